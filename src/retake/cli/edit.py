"""`retake edit`: the whole way of one request in one process, without server or database."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from retake.cli.asking import named_values, sections_of, seeds_of, time_of
from retake.cli.exits import Exit, exit_for
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
from retake.cli.outputs import Outputs, container_for, write_error
from retake.cli.show import Show, show_for
from retake.core.errors import Cancelled, RetakeError
from retake.core.request import RetakeRequest, check_payload
from retake.core.takes import Pick
from retake.core.watch import Watch

if TYPE_CHECKING:
    from retake.steps.run import Finished

_log = logging.getLogger(__name__)

GRACE_S = 0.8
"""How long cancelled work may take to stop by itself before the process ends without it."""


def edit(
    source: Annotated[str, typer.Argument(help="A video: a path or an http(s) URL.")],
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the new video goes.")],
    start: Annotated[
        str | None,
        typer.Option(
            help="Where the section starts: 2.5, 0:02.500 or 60f (frames); 0 if not told."
        ),
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
        typer.Option(help="best: --out becomes the result whose seams score best, too."),
    ] = None,
    engine: Annotated[str | None, typer.Option(help="Which engine makes the section.")] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(help="A parameter of the engine as NAME=VALUE, the value as JSON or text."),
    ] = None,
    audio_track: Annotated[
        str | None,
        typer.Option(help="Which track of sound is edited: its number from 1, or eng, de, …"),
    ] = None,
    container: Annotated[
        str | None, typer.Option(help="Convert into mp4, mov, mkv, …; else --out's ending says.")
    ] = None,
    video_codec: VideoCodecOption = None,
    audio_codec: AudioCodecOption = None,
    report: Annotated[Path | None, typer.Option(help="Write the report here, as JSON.")] = None,
    sheet: Annotated[
        Path | None, typer.Option(help="Write a contact sheet here: source above, result below.")
    ] = None,
    poster: Annotated[
        Path | None, typer.Option(help="Write a picture of the section here, as a JPEG.")
    ] = None,
    section_only: Annotated[
        Path | None,
        typer.Option(help="Write the section alone here; its ending becomes .mp4 or the video's."),
    ] = None,
    audio_only: Annotated[
        Path | None,
        typer.Option(help="Write the sound alone here; its ending becomes .m4a, .wav, …"),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Say everything as JSON, one object a line.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace outputs that exist.")] = False,
) -> None:
    """Re-shoot a section of a video, or several; everything outside stays bit for bit.

    Exit codes: 0 done, 2 bad usage, 3 bad source, 4 engine failure, 5 output failure,
    130 cancelled, 1 a fault of retake itself.
    """
    show = show_for(as_json=as_json)
    try:
        logging.basicConfig(level=os.environ.get("RETAKE_LOG_LEVEL", "WARNING"))
        request = _request(
            video_uri=source,
            start_time=None if start is None else time_of("start_time", start),
            duration=None if duration is None else time_of("duration", duration),
            sections=sections_of(section or ()),
            prompt=prompt,
            mode=mode,
            seed=seed,
            takes=takes,
            seeds=seeds_of(seeds),
            pick=pick,
            options=named_values(option or (), "option") or None,
            audio_track=audio_track,
            container=container_for(container, out),
            video_codec=video_codec,
            audio_codec=audio_codec,
        )
        outputs = Outputs(
            out, sheet, report, force, request.takes, poster, section_only, audio_only,
            best=request.pick is Pick.BEST,
        )  # fmt: skip
        outputs.check(source)
        finished = _carry_out(request, engine, outputs, show)
        _tell(finished, show)
    except Cancelled as error:
        show.failed(error)
        _leave(Exit.CANCELLED)
    except RetakeError as error:
        show.failed(error)
        raise typer.Exit(exit_for(error)) from error
    except Exception as error:
        _log.debug("the edit failed unexpectedly", exc_info=True)
        show.failed(_mistake(error))
        raise typer.Exit(Exit.INTERNAL) from error
    finally:
        show.close()


def _mistake(error: Exception) -> RetakeError:
    return RetakeError(
        "internal",
        f"retake made a mistake ({type(error).__name__}: {error}); RETAKE_LOG_LEVEL=DEBUG shows "
        "where; please report it",
    )


def _request(**payload: Any) -> RetakeRequest:
    from retake.bootstrap.parts import limits

    request, _ = check_payload(payload, limits())
    return request


def _tell(finished: Finished, show: Show) -> None:
    from retake.steps.outcome import outcome_of

    outcome = outcome_of(finished)
    show.done(outcome["files"], outcome["report"], outcome.get("takes", ()), outcome.get("picked"))


def _carry_out(
    request: RetakeRequest, engine: str | None, outputs: Outputs, show: Show
) -> Finished:
    # Beside the output, so that a full disk shows early and the result need only be renamed.
    try:
        work = Path(tempfile.mkdtemp(prefix=".retake-", dir=outputs.video.parent))
    except OSError as error:
        raise write_error(error, outputs.video) from error

    def whole_way(watch: Watch) -> Finished:
        from retake.bootstrap.local import local_parts
        from retake.bootstrap.parts import seed_for
        from retake.steps.run import Job, do_at_once, run

        parts = local_parts(outputs, engine)
        finished = run(Job(request, seed_for(request), work), parts, do_at_once, watch)
        if finished.picked is not None:
            finished.files["picked"] = outputs.keep(Path(finished.files["video"]), work)
        return finished

    try:
        return _cancellable(whole_way, show)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _cancellable(work: Callable[[Watch], Finished], show: Show) -> Finished:
    """Do `work` in a thread of its own, while this one waits for Ctrl-C.

    Raises:
        Cancelled: A signal came; the work has stopped or is being left behind.
    """
    cancel = threading.Event()
    results: list[Finished] = []
    errors: list[BaseException] = []

    def body() -> None:
        try:
            results.append(work(Watch(show.progress, cancel)))
        except BaseException as error:  # noqa: BLE001 - it is raised again by the waiting thread
            errors.append(error)

    def stop(_number: int, _frame: object) -> None:
        cancel.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    thread = threading.Thread(target=body, name="edit", daemon=True)
    thread.start()
    while thread.is_alive() and not cancel.is_set():
        thread.join(0.1)
    if cancel.is_set():
        thread.join(GRACE_S)
        if not results:
            raise Cancelled
    if errors:
        raise errors[0]
    return results[0]


def _leave(code: Exit) -> NoReturn:
    """End the process now, even if a thread is still inside compiled code."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
