"""The samples of a decoded frame, of any size and nearly any pixel format, without its padding."""

from __future__ import annotations

from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

IDENTICAL_DB = 100.0
"""What is told instead of infinity when two pictures are the same."""


def planes_of(frame: av.VideoFrame) -> list[NDArray[Any]]:
    """Return a frame's planes as ``[rows, samples]``, interleaved components one after another.

    Raises:
        ValueError: The format packs its samples in a way that is not understood.
    """
    form = frame.format
    if not (form.is_planar or form.is_rgb) or form.is_bit_stream:
        return [np.asarray(frame.to_ndarray())]
    planes: list[NDArray[Any]] = []
    stored: Any = frame.planes
    for number, plane in enumerate(stored):
        parts = [part for part in form.components if part.plane == number]
        wide = max(part.bits for part in parts) > 8
        kind = np.dtype("u1" if not wide else ">u2" if form.name.endswith("be") else "<u2")
        line = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
        used = plane.width * len(parts) * kind.itemsize
        planes.append(np.ascontiguousarray(line[: plane.height, :used]).view(kind))
    return planes


def same_samples(one: av.VideoFrame, other: av.VideoFrame) -> bool:
    """Return whether two frames hold the very same picture in the same format."""
    if (one.format.name, one.width, one.height) != (other.format.name, other.width, other.height):
        return False
    pairs = zip(planes_of(one), planes_of(other), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def frame_psnr(one: av.VideoFrame, other: av.VideoFrame) -> float:
    """Return the likeness of two frames of one size in dB, over all their samples.

    Frames of unlike pixel formats are compared in the first one's. Frames of unlike sizes have no
    likeness at all: 0 dB.
    """
    if (one.width, one.height) != (other.width, other.height):
        return 0.0
    if other.format.name != one.format.name:
        other = other.reformat(format=one.format.name)
    error, count = 0.0, 0
    for a, b in zip(planes_of(one), planes_of(other), strict=True):
        difference = a.astype(np.float32) - b.astype(np.float32)
        error += float(np.sum(difference**2, dtype=np.float64))
        count += a.size
    if not error:
        return IDENTICAL_DB
    peak = 2 ** one.format.components[0].bits - 1
    return min(10 * float(np.log10(peak**2 * count / error)), IDENTICAL_DB)
