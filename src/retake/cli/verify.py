"""`retake verify`: what of a source is still in another file, shown and counted."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from retake.cli.exits import Exit, exit_for
from retake.core.errors import BadRequest, RetakeError
from retake.core.timing import FrameCount, parse_time
from retake.core.watch import ProgressSink, Stage, Watch

if TYPE_CHECKING:
    from fractions import Fraction

    from retake.core.proof import Proof
    from retake.media.proof.verdict import Verdict

_log = logging.getLogger(__name__)


def verify(
    source: Annotated[Path, typer.Argument(help="The video as it was.")],
    output: Annotated[Path, typer.Argument(help="The video that was made from it.")],
    *,
    proof: Annotated[
        Path | None, typer.Option("--map", help="Draw what became of every second, as a PNG.")
    ] = None,
    start: Annotated[
        str | None, typer.Option(help="Where the section starts; found by itself if not told.")
    ] = None,
    duration: Annotated[str | None, typer.Option(help="How long the section is.")] = None,
    near: Annotated[
        float | None,
        typer.Option(help="Accept what was encoded again from this likeness on, in dB.", min=1),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Decode everything, even where the packets are the same."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a map that exists.")] = False,
) -> None:
    """Compare any two videos: what is identical, encoded again or changed, and where.

    Nothing but the two files is used. Outside one changed section, everything has to be the
    source's own, byte for byte, or to decode to the very same samples.

    Exit codes: 0 nothing was lost outside one section, 6 something was, 2 bad usage, 3 a file
    that cannot be read or decoded, 5 the map could not be written, 130 cancelled, 1 a fault of
    retake itself.
    """
    logging.basicConfig(level=os.environ.get("RETAKE_LOG_LEVEL", "WARNING"))
    try:
        verdict = _verify((source, output), proof, (start, duration), near, strict, as_json, force)
    except RetakeError as error:
        _tell(error, as_json=as_json)
        raise typer.Exit(exit_for(error)) from error
    except Exception as error:
        _log.debug("the comparison failed unexpectedly", exc_info=True)
        mistake = RetakeError(
            "internal",
            f"retake made a mistake ({type(error).__name__}: {error}); RETAKE_LOG_LEVEL=DEBUG "
            "shows where; please report it",
        )
        _tell(mistake, as_json=as_json)
        raise typer.Exit(Exit.INTERNAL) from error
    raise typer.Exit(Exit.OK if verdict.untouched else Exit.DIFFERENT)


def _verify(
    files: tuple[Path, Path],
    drawn: Path | None,
    hint: tuple[str | None, str | None],
    near: float | None,
    strict: bool,  # noqa: FBT001 - as typer gives them
    as_json: bool,  # noqa: FBT001
    force: bool,  # noqa: FBT001
) -> Verdict:
    times = _times(*hint)
    if drawn is not None:
        _check_map(drawn, files, force=force)
    from retake.media.proof.guarded import compare_safely
    from retake.media.proof.verdict import judge

    with _progress() as sink:
        watch = _watched(sink)
        proof = compare_safely(*files, watch, everything=strict, stills=drawn is not None)
    verdict = judge(proof, given=_section(proof, times), near_db=near)
    if drawn is not None:
        from retake.media.look.proof_map import proof_map

        proof_map(proof, verdict, drawn)
    if as_json:
        from retake.media.proof.words import as_dict

        sys.stdout.write(json.dumps(as_dict(proof, verdict), indent=2) + "\n")
    else:
        from retake.cli.proof_text import show_proof

        show_proof(proof, verdict, drawn)
    return verdict


def _times(start: str | None, duration: str | None) -> tuple[Any, Any] | None:
    if start is None and duration is None:
        return None
    if start is None or duration is None:
        raise BadRequest(
            "missing",
            "--start and --duration tell the section together; leave both out to have it found",
            param="duration" if duration is None else "start",
        )
    told: list[Any] = []
    for param, text in (("start", start), ("duration", duration)):
        try:
            told.append(parse_time(text))
        except ValueError as error:
            raise BadRequest("bad_time", f"{param}: {error}", param=param) from error
    return told[0], told[1]


def _section(proof: Proof, times: tuple[Any, Any] | None) -> tuple[Fraction, Fraction] | None:
    """Return the section that was told, in seconds; frames count from the film's own."""
    if times is None:
        return None
    shown = proof.strips[0].starts

    def seconds(time: Any, origin: int = 0) -> Fraction:
        if isinstance(time, FrameCount):
            return shown[min(origin + time.frames, len(shown) - 1)]
        return time

    start = seconds(times[0])
    if isinstance(times[1], FrameCount):
        first = next((at for at, when in enumerate(shown) if when >= start), len(shown) - 1)
        return start, seconds(times[1], first)
    return start, start + times[1]


def _check_map(drawn: Path, files: tuple[Path, Path], *, force: bool) -> None:
    """Refuse a map that cannot be written, or would overwrite something, before any work."""
    if not drawn.parent.is_dir():
        raise BadRequest(
            "no_such_folder",
            f"{str(drawn)!r} lies in a folder that does not exist; make it first",
            param="map",
        )
    if drawn.suffix.lower() != ".png":
        raise BadRequest(
            "unknown_picture",
            f"the map {drawn.name!r} has {drawn.suffix or 'no ending'!r}; accepted is .png",
            param="map",
        )
    if not drawn.exists():
        return
    if any(file.exists() and drawn.samefile(file) for file in files):
        raise BadRequest(
            "output_is_source",
            f"{str(drawn)!r} is one of the files compared; another name is accepted",
            param="map",
        )
    if not force:
        raise BadRequest(
            "output_exists", f"{str(drawn)!r} exists; --force replaces it", param="map"
        )


def _watched(sink: ProgressSink) -> Watch:
    """Return a watch that Ctrl-C and SIGTERM cancel."""
    cancel = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: cancel.set())
    return Watch(sink, cancel)


def _progress() -> AbstractContextManager[ProgressSink]:
    """Return what shows how far the comparison is: a bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        return nullcontext(_ignore)
    from retake.cli.bars import single_bar

    return single_bar("comparing")


def _ignore(_stage: Stage, _done: int, _total: int) -> None:
    return


def _tell(error: RetakeError, *, as_json: bool) -> None:
    if as_json:
        told = {"error": error.message, **error.to_dict()}
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
    else:
        sys.stderr.write(f"retake: {error.message}\n")
