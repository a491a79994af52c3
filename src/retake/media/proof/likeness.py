"""Whether two pictures are the same, the same encoded again, or show something else.

Encoding again makes small errors everywhere which cancel out over a few pixels; a change moves the
mean of some block. So the means of blocks tell a change from a re-encode where the likeness of the
whole picture cannot: a changed face in a large picture costs less than a low bit rate does.
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

SHIFT = 6.0 / 255
"""How far re-encoding moves the mean of a block at most, as a share of full scale."""

LEAST_DB = 24.0
"""Likeness below which two pictures are not the same whatever their blocks say."""


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
    near = db >= LEAST_DB and shift(one, other) <= SHIFT
    return Likeness(Kind.NEAR if near else Kind.CHANGED, db)


def shift(one: av.VideoFrame, other: av.VideoFrame) -> float:
    """Return the largest difference between block means of two pictures of one form, of 1."""
    peak = 2 ** one.format.components[0].bits - 1
    pairs = zip(planes_of(one), planes_of(other), strict=True)
    return max(float(np.abs(_means(a) - _means(b)).max(initial=0)) / peak for a, b in pairs)


def _means(plane: NDArray[Any]) -> NDArray[np.float64]:
    """Return the mean of every whole block of a plane; of all of it where it is smaller."""
    if plane.ndim != 2:
        plane = plane.reshape(plane.shape[0], -1)
    height, width = plane.shape
    rows, columns = min(BLOCK, height), min(BLOCK, width)
    whole = plane[: height // rows * rows, : width // columns * columns]
    blocks = whole.reshape(height // rows, rows, width // columns, columns)
    return blocks.mean(axis=(1, 3), dtype=np.float64)
