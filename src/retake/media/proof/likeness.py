"""Whether two pictures are the same, the same encoded again, or show something else.

Encoding again makes small errors everywhere, which cancel out over a few pixels. A change does not:
a changed face moves the means of its blocks by many times the error of the whole picture, another
grade moves the mean of a whole part of it by just that error. So a picture counts as encoded again
while neither is so, at any quality.

Measured on x264, MPEG-4 and VP9 above 30 dB: blocks move by 1.5 times the error of the whole,
parts by 0.6 times; a grade of two levels moves parts by 1.2 times, a patch of a fiftieth of the
picture moves its blocks by 7 times.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from retake.core.proof import Kind
from retake.media.proof.planes import frame_psnr, planes_of, same_samples

BLOCK = 16
"""Rows and columns of a block, in samples of its plane."""

PARTS, LEAST_PART = 8, 48
"""Rows and columns of parts that the whole picture is looked at in, and the least side of one."""

BLOCK_FLOOR, PART_FLOOR = 6.0 / 255, 1.5 / 255
"""Shares of full scale by which means may move whatever the error of the whole is."""

BLOCK_TIMES, PART_TIMES = 3.0, 0.9
"""How many times the error of the whole the means of blocks and of parts may move."""

LEAST_DB = 24.0
"""Likeness below which two pictures are not the same whatever their means say."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """How two pictures compare: EXACT, NEAR or CHANGED, and their PSNR in dB where not exact."""

    kind: Kind
    db: float | None


def likeness(one: av.VideoFrame, other: av.VideoFrame) -> Likeness:
    """Return how the picture `other` compares with `one`.

    Pictures of another size or pixel format are brought into the first one's form, and are never
    exact.
    """
    form = (one.format.name, one.width, one.height)
    if form == (other.format.name, other.width, other.height):
        if same_samples(one, other):
            return Likeness(Kind.EXACT, None)
    else:
        other = other.reformat(width=one.width, height=one.height, format=one.format.name)
    db = frame_psnr(one, other)
    return Likeness(Kind.NEAR if _near(one, other, db) else Kind.CHANGED, db)


def _near(one: av.VideoFrame, other: av.VideoFrame, db: float) -> bool:
    error = 10 ** (-db / 20)
    return (
        db >= LEAST_DB
        and shift(one, other) <= max(BLOCK_FLOOR, BLOCK_TIMES * error)
        and shift(one, other, parts=PARTS) <= max(PART_FLOOR, PART_TIMES * error)
    )


def shift(one: av.VideoFrame, other: av.VideoFrame, *, parts: int | None = None) -> float:
    """Return the largest difference between means of two pictures of one form, of full scale.

    Args:
        one: A picture.
        other: Another.
        parts: Take the means of so many rows and columns of equal parts; None takes blocks of
            `BLOCK` samples.
    """
    peak = 2 ** one.format.components[0].bits - 1
    pairs = zip(planes_of(one), planes_of(other), strict=True)
    return max(
        float(np.abs(_means(a, parts) - _means(b, parts)).max(initial=0)) / peak for a, b in pairs
    )


def _means(plane: NDArray[Any], parts: int | None) -> NDArray[np.float64]:
    """Return the mean of every whole block of a plane; of all of it where it is smaller."""
    if plane.ndim != 2:
        plane = plane.reshape(plane.shape[0], -1)
    height, width = plane.shape
    side = [BLOCK if parts is None else max(whole // parts, LEAST_PART) for whole in plane.shape]
    rows, columns = min(side[0], height), min(side[1], width)
    whole = plane[: height // rows * rows, : width // columns * columns]
    blocks = whole.reshape(height // rows, rows, width // columns, columns)
    return blocks.mean(axis=(1, 3), dtype=np.float64)
