"""`retake submit`: a video goes to a server, which makes the section."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import typer

from retake.cli.asking import named_values, sections_of, seeds_of
from retake.cli.options import (
    AudioCodecOption,
    DurationOption,
    ModeOption,
    PromptOption,
    SectionOption,
    SeedOption,
    SeedsOption,
    TakesOption,
    VideoCodecOption,
)
from retake.cli.remote import ForceOption, JsonOption, KeyOption, OutOption, UrlOption, server
from retake.cli.remote import follow as follow_to_its_end
from retake.core.errors import BadRequest
from retake.core.timing import FrameCount

_OWN = frozenset(
    {
        "cancel_after",
        "duration",
        "headers",
        "idempotency_key",
        "mode",
        "model",
        "pick",
        "progress",
        "prompt",
        "sections",
        "seed",
        "seeds",
        "source",
        "start",
        "takes",
        "wait_s",
        "webhook",
    }
)


def submit(
    source: Annotated[
        str, typer.Argument(help="A video: a path, or a URL that the server can fetch.")
    ],
    *,
    out: OutOption = None,
    start: Annotated[
        str | None,
        typer.Option(help="Where the section starts: 2.5 or 0:02.500; 0 if not told."),
    ] = None,
    duration: DurationOption = None,
    section: SectionOption = None,
    prompt: PromptOption = "",
    mode: ModeOption = "replace_audio_and_video",
    seed: SeedOption = None,
    takes: TakesOption = None,
    seeds: SeedsOption = None,
    pick: Annotated[
        str | None,
        typer.Option(help="best: the result whose seams score best is the first one."),
    ] = None,
    model: Annotated[
        str, typer.Option(help="Which model; GET …/models of the server lists them.")
    ] = "ltx-2-pro-retake",
    audio_track: Annotated[
        str | None, typer.Option(help="Which track of sound is edited: its number, or eng, de, …")
    ] = None,
    container: Annotated[str | None, typer.Option(help="Convert into mp4, mov, mkv, …")] = None,
    video_codec: VideoCodecOption = None,
    audio_codec: AudioCodecOption = None,
    more: Annotated[
        list[str] | None,
        typer.Option("--set", help="A further parameter as NAME=VALUE, the value as JSON or text."),
    ] = None,
    wait: Annotated[
        bool, typer.Option(help="Wait for the result, or only say the request's id.")
    ] = True,
    cancel_after: Annotated[
        str | None, typer.Option(help="Cancel it if it has not ended by then: 90s, 5m, 1h.")
    ] = None,
    priority: Annotated[
        str | None, typer.Option(help="Among your own requests: low, normal or high.")
    ] = None,
    cancel_on_interrupt: Annotated[
        bool, typer.Option(help="Cancel the request on Ctrl-C instead of leaving it to go on.")
    ] = False,
    webhook: Annotated[
        str | None, typer.Option(help="A URL that the server tells how it ended.")
    ] = None,
    idempotency_key: Annotated[
        str | None, typer.Option(help="The same key again gives the same request.")
    ] = None,
    upstream_key: Annotated[
        str | None,
        typer.Option(
            envvar="RETAKE_USER_UPSTREAM_KEY",
            help="Your key at the server's upstream, for models that are made there.",
        ),
    ] = None,
    force: ForceOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send a video to a server and have a section of it re-shot there.

    Exit codes: 0 done, 2 bad usage or refused, 3 bad source, 4 engine failure, 5 output failure,
    7 the server cannot be reached, 130 cancelled or interrupted.
    """
    with server(url, key, as_json=as_json) as (client, show):
        parameters: dict[str, Any] = {
            "audio_track": _track(audio_track),
            "container": container or _container_of(source, out),
            "video_codec": video_codec,
            "audio_codec": audio_codec,
            "takes": takes,
            "pick": pick,
            "seeds": seeds_of(seeds),
            "sections": _sections(section or ()),
            **_parameters(more or []),
        }

        def submitted() -> str:
            request = client.submit(
                source,
                start=start or (None if section else "0"),
                duration=duration or (None if section else "5"),
                prompt=prompt or None,
                mode=mode,
                seed=seed,
                model=model,
                cancel_after=cancel_after,
                idempotency_key=idempotency_key,
                headers=_headers(upstream_key, priority),
                webhook=webhook,
                progress=show.progress,
                **parameters,
            )
            show.close()
            show.say(f"request {request.id}", event="submitted", request_id=request.id)
            return request.id

        if wait:
            follow_to_its_end(client, show, submitted, out, force, cancel_on_interrupt)
        elif out is not None:
            raise BadRequest(
                "wait_or_out", "--out waits for the video; leave out --no-wait", param="out"
            )
        else:
            submitted()


def _sections(told: Sequence[str]) -> list[dict[str, Any]] | None:
    found = sections_of(told)
    for at, each in enumerate(found or ()):
        for param in ("start_time", "duration"):
            if param in each:
                each[param] = _seconds(f"sections[{at}].{param}", each[param])
    return found


def _seconds(where: str, told: Any) -> Any:
    from retake.client.submitting import seconds

    if isinstance(told, FrameCount):
        return seconds(where, f"{told.frames}f")
    return float(told) if isinstance(told, Fraction) else told


def _container_of(source: str, out: Path | None) -> str | None:
    """Return what the output's ending asks for, where the source's own is another."""
    from retake.core.containers import ENDINGS

    if out is None or Path(source.partition("?")[0]).suffix.lower() == out.suffix.lower():
        return None
    return ENDINGS.get(out.suffix.lower())


def _track(text: str | None) -> int | str | None:
    return int(text) if text is not None and text.isdecimal() else text


def _headers(upstream_key: str | None, priority: str | None) -> dict[str, str]:
    return {
        **({"X-Upstream-Authorization": f"Bearer {upstream_key}"} if upstream_key else {}),
        **({"Queue-Priority": priority} if priority else {}),
    }


def _parameters(texts: list[str]) -> dict[str, Any]:
    found = named_values(texts, "set")
    for name in found:
        if name in _OWN:
            raise BadRequest(
                "bad_parameter", f"--set names {name}, which is an option", param="set"
            )
    return found
