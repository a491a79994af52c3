"""Comparing the decoded pictures of two files: exact where packets were copied, alike elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np

from retake.core.errors import BadSource
from retake.core.report import Check
from retake.core.section import Section
from retake.core.source import Source
from retake.media.decode import decode_frames
from retake.media.seams import frame_psnr

MARGIN = 24
"""Frames compared on either side of what was touched."""

PAD_DB = 35.0
"""Least likeness of frames that were encoded again next to the section."""

REENCODED_DB = 28.0
"""Least likeness of frames outside the section when the whole stream was encoded again."""


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
    exact = wrong = 0
    worst = np.inf
    for number, (a, b) in enumerate(_pairs(src, source, out, made, first, last), start=first):
        if number in section.frames:
            continue
        if made.video.pts[number] in touched:
            worst = min(worst, frame_psnr(a, b))
        elif _equal(a, b):
            exact += 1
        else:
            wrong += 1
    yield Check("pictures around", not wrong, f"{exact} frames exact, {wrong} not")
    if worst < np.inf:
        yield Check("re-encoded pictures", worst >= PAD_DB, f"at least {worst:.1f} dB")
    yield _check_strictly(src, source, out, made, first, last)


def check_reencoded(
    src: Path, source: Source, out: Path, made: Source, section: Section
) -> Iterator[Check]:
    """Yield whether a stream that was encoded again is alike outside, and decodes strictly."""
    count = min(len(source.video.pts), len(made.video.pts))
    outside = [number for number in range(count) if number not in section.frames]
    chosen = sorted(
        {outside[round(at)] for at in np.linspace(0, len(outside) - 1, 8)} if outside else []
    )
    likeness = [frame_psnr(_one(src, source, number), _one(out, made, number)) for number in chosen]
    if likeness:
        worst = min(likeness)
        yield Check(
            "re-encoded pictures",
            worst >= REENCODED_DB,
            f"at least {worst:.1f} dB in {len(likeness)} frames outside",
        )
    yield _check_strictly(src, source, out, made, 0, len(made.video.pts))


def check_same_pictures(src: Path, source: Source, out: Path, made: Source) -> Check:
    """Return whether all decoded pictures of two files are the same.

    For streams copied into another kind of container, where packets are wrapped in another way.
    """
    name = "video frames"
    if len(source.video.pts) != len(made.video.pts):
        return Check(name, passed=False, detail="their number differs")
    count = len(source.video.pts)
    equal = sum(_equal(a, b) for a, b in _pairs(src, source, out, made, 0, count))
    return Check(name, equal == count, f"{equal} of {count} decoded frames are the source's")


def _check_strictly(
    src: Path, source: Source, out: Path, made: Source, first: int, last: int
) -> Check:
    """Return whether a run of frames decodes without any error being concealed."""
    name = "strict decoding"
    try:
        _decode_strictly(out, made, first, last)
    except BadSource as error:
        try:
            _decode_strictly(src, source, first, min(last, len(source.video.pts)))
        except BadSource:
            return Check(name, passed=True, detail="not possible: the source is irregular as well")
        return Check(name, passed=False, detail=error.message)
    return Check(name, passed=True, detail=f"frames {first} to {last - 1} without an error")


def _decode_strictly(path: Path, source: Source, first: int, last: int) -> None:
    for _ in decode_frames(path, source, first, last, strict=True):
        continue


def _pairs(
    src: Path, source: Source, out: Path, made: Source, first: int, last: int
) -> Iterator[tuple[av.VideoFrame, av.VideoFrame]]:
    return zip(
        decode_frames(src, source, first, last), decode_frames(out, made, first, last), strict=True
    )


def _one(path: Path, source: Source, number: int) -> av.VideoFrame:
    return next(decode_frames(path, source, number, number + 1))


def _equal(one: av.VideoFrame, other: av.VideoFrame) -> bool:
    a: Any = one.to_ndarray()
    b: Any = other.to_ndarray()
    return one.format.name == other.format.name and bool(np.array_equal(a, b))
