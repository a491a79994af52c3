"""Comparing the decoded pictures of two files: exact where packets were copied, alike elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import av

from retake.core.errors import BadSource
from retake.core.report import Check
from retake.core.section import Section
from retake.core.source import Source
from retake.core.timing import FrameRange
from retake.media.decode import decode_frames
from retake.media.proof.planes import frame_psnr, same_samples

MARGIN = 24
"""Frames compared on either side of what was touched."""

PAD_DB = 35.0
"""Least likeness of frames that were encoded again next to the section."""

REENCODED_DB = 28.0
"""Least likeness of frames outside the section when the whole stream was encoded again."""

SAMPLES = 8
"""Frames compared then."""

_Compare = Callable[[int, av.VideoFrame, av.VideoFrame], None]


def check_pictures(
    src: Path,
    source: Source,
    out: Path,
    made: Source,
    section: Section,
    touched: Collection[int],
) -> Iterator[Check]:
    """Yield whether frames around the touched ones are exact, and whether all decode strictly.

    Args:
        src: The source file.
        source: What is in it.
        out: The finished file.
        made: What is in that.
        section: What was replaced.
        touched: Presentation times of the packets that are new, in the stream's time base.
    """
    new = [number for number, pts in enumerate(made.video.pts) if pts in touched]
    count = min(len(source.video.pts), len(made.video.pts))
    if not new or new[-1] >= count:
        yield Check("pictures around", passed=False, detail="the new frames are not where they are")
        return
    first, last = max(new[0] - MARGIN, 0), min(new[-1] + 1 + MARGIN, count)
    exact: dict[int, bool] = {}
    pads: dict[int, float] = {}

    def compare(number: int, a: av.VideoFrame, b: av.VideoFrame) -> None:
        if number in section.frames:
            return
        if made.video.pts[number] in touched:
            pads[number] = frame_psnr(a, b)
        else:
            exact[number] = same_samples(a, b)

    yield _in_step(src, source, out, made, FrameRange(first, last), compare)
    right = sum(exact.values())
    yield Check(
        "pictures around", right == len(exact), f"{right} of {len(exact)} decoded frames are exact"
    )
    if pads:
        worst = min(pads.values())
        yield Check(
            "re-encoded pictures", worst >= PAD_DB, f"{len(pads)} frames, at least {worst:.1f} dB"
        )


def check_reencoded(
    src: Path, source: Source, out: Path, made: Source, section: Section
) -> Iterator[Check]:
    """Yield whether a stream that was encoded again is alike outside, and decodes strictly."""
    count = min(len(source.video.pts), len(made.video.pts))
    outside = [number for number in range(count) if number not in section.frames]
    likeness: dict[int, float] = {}

    def compare(number: int, a: av.VideoFrame, b: av.VideoFrame) -> None:
        if number in chosen:
            likeness[number] = frame_psnr(a, b)

    chosen = {outside[len(outside) * part // SAMPLES] for part in range(SAMPLES)} if outside else {}
    yield _in_step(src, source, out, made, FrameRange(0, count), compare)
    if likeness:
        worst = min(likeness.values())
        yield Check(
            "re-encoded pictures",
            worst >= REENCODED_DB,
            f"at least {worst:.1f} dB in {len(likeness)} frames outside",
        )


def check_same_pictures(src: Path, source: Source, out: Path, made: Source) -> Check:
    """Return whether all decoded pictures of two files are the same.

    For streams copied into another kind of container, where packets are wrapped in another way.
    """
    name = "video frames"
    if len(source.video.pts) != len(made.video.pts):
        return Check(name, passed=False, detail="their number differs")
    count = len(source.video.pts)
    pairs = zip(
        decode_frames(src, source, 0, count), decode_frames(out, made, 0, count), strict=True
    )
    equal = sum(same_samples(a, b) for a, b in pairs)
    return Check(name, equal == count, f"{equal} of {count} decoded frames are the source's")


def _in_step(
    src: Path, source: Source, out: Path, made: Source, frames: FrameRange, compare: _Compare
) -> Check:
    """Hand a run of both files' frames to `compare`; return whether the output's decode strictly.

    A source that does not decode strictly itself is excused: its own packets are in the output.

    Raises:
        BadSource: `damaged`: one of the files does not decode at all.
    """
    name, first, last = "strict decoding", frames.start, frames.end

    def run(*, strict: bool) -> None:
        ours = decode_frames(out, made, first, last, strict=strict)
        theirs = decode_frames(src, source, first, last)
        for number, (a, b) in enumerate(zip(theirs, ours, strict=True), start=first):
            compare(number, a, b)

    try:
        run(strict=True)
    except BadSource as error:
        run(strict=False)
        if _decodes_strictly(src, source, frames):
            return Check(name, passed=False, detail=error.message)
        return Check(name, passed=True, detail="not possible: the source is irregular as well")
    return Check(name, passed=True, detail=f"frames {first} to {last - 1} without an error")


def _decodes_strictly(path: Path, source: Source, frames: FrameRange) -> bool:
    try:
        for _ in decode_frames(path, source, frames.start, frames.end, strict=True):
            continue
    except BadSource:
        return False
    return True
