"""One broken file on the whole way: looked at, edited, verified, in a process that may die of it.

Run as a module this is the child: it takes a case a line on standard input, and answers each with
a line of what came of it.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

import av.error

from retake.core.errors import RetakeError, StorageFailed
from retake.core.request import Limits, Mode, RetakeRequest
from retake.core.watch import Watch
from retake.media.opening import open_source
from retake.media.sandbox import probe_safely
from retake.steps.plan import Planned
from retake.steps.render import render_verified
from tests.media.takes import make_take, section_of


@dataclass(frozen=True)
class Case:
    """A broken file, and the seed that its section and mode are drawn from."""

    path: str
    seed: int


@dataclass(frozen=True)
class Came:
    """What came of a case.

    `verdict` is `refused` (an error of ours while looking), `failed` (one while editing), `edited`,
    or `wrong`: anything that must not happen. The parent adds `crashed` and `hung`.
    """

    verdict: str
    detail: str


def come(case: Case) -> Came:
    """Edit a broken file and return what came of it; whatever else is raised is a bug."""
    src, draw = Path(case.path), Random(case.seed)
    try:
        source = probe_safely(src, Limits())
    except RetakeError as error:
        return Came("refused", error.code)
    count = len(source.video.pts)
    first = draw.randrange(count)
    section = section_of(source, first, draw.randrange(first, min(first + 24, count)) + 1)
    mode = draw.choice(list(Mode))
    work = src.with_suffix(".work")
    work.mkdir()
    out = work / f"out{src.suffix}"
    try:
        take = make_take(work, source, section)
        request = RetakeRequest(video_uri=str(src), mode=mode)
        planned = Planned(src, source, section, request, case.seed, work)
        proven = render_verified([planned], out, [take], Watch())
    except RetakeError as error:
        stray = _stray(work)
        if stray:
            return Came("wrong", f"left behind {stray}")
        if isinstance(error, StorageFailed):
            return Came("wrong", f"the source's fault told as the disk's: {error.message}")
        return Came("failed", error.code)
    stray = _stray(work)
    if stray:
        return Came("wrong", f"left behind {stray}")
    shown, there = _pictures(out), _pictures(src)
    if shown < there:
        return Came("wrong", f"{shown} pictures can be decoded instead of {there}")
    return Came("edited", f"{proven.rendered.video.action} {proven.rendered.audio.action}")


def _stray(work: Path) -> list[str]:
    # A file that failed its verification stays in the private folder, which goes as a whole.
    expected = {"take.mkv", "take.wav"}
    return sorted(p.name for p in work.iterdir() if p.name not in expected and p.stem != "out")


def _pictures(path: Path) -> int:
    """Return how many pictures a patient player gets out of a file."""
    shown = 0
    with open_source(path) as container:
        for packet in container.demux(video=0):
            with suppress(av.error.FFmpegError):
                shown += sum(1 for frame in packet.decode() if frame.pts is not None)
    return shown


def main() -> None:
    """Be the child."""
    for line in sys.stdin:
        case = Case(**json.loads(line))
        try:
            came = come(case)
        except Exception as error:  # noqa: BLE001 - finding these is what the child is for
            came = Came("wrong", f"{type(error).__name__}: {error}"[:300] + _where(error))
        answer: dict[str, Any] = asdict(came)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _where(error: BaseException) -> str:
    trace = error.__traceback__
    places: list[str] = []
    while trace is not None:
        places.append(f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return " at " + " > ".join(places[-4:])


if __name__ == "__main__":
    main()
