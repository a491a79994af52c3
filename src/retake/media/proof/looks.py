"""What is kept of a picture to hold it against another one: colours, movement, fine detail.

Everything is told for a grid of blocks, so that the middle one of them speaks for the picture as a
whole, whatever happens in a part of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from av.video.reformatter import Interpolation
from numpy.typing import NDArray

from retake.core.source import VideoStream
from retake.media.colour import FULL_RANGE, STUDIO_RANGE, matrix_of

Values = NDArray[np.float64]

_WIDTH = 192
_CELL = 12
"""Pixels of a block of colour, in the small picture."""
_DETAIL_ROWS, _DETAIL_COLUMNS = 9, 16
_PATCH, _STRIDE = 48, 24
"""Pixels of a patch whose movement is measured, and between two of them."""
_TEXTURE = 1.5
"""Spread of brightness, of 255, that a patch needs to be followed."""
_PEAK = 0.12
_EXPLAINED = 0.5
"""Share of a patch's spread that may be left once its movement is taken off."""
_D65 = (0.95047, 1.0, 1.08883)
_TO_XYZ = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)


@dataclass(frozen=True, slots=True)
class Look:
    """What is kept of one picture.

    Attributes:
        lab: CIE Lab of blocks, ``[rows, columns, 3]``; the picture counts as sRGB.
        luma: The small picture's brightness ``[h, w]``, 0..255.
        detail: Mean strength of fine detail in blocks ``[rows, columns]``, of 255.
    """

    lab: Values
    luma: Values
    detail: Values


def look_at(frame: av.VideoFrame, video: VideoStream) -> Look:
    """Return what is kept of a decoded frame of `video`."""
    width = min(_WIDTH, frame.width)
    height = max(round(frame.height * width / frame.width), 1)
    ranges: Any = {
        "src_color_range": FULL_RANGE if video.colour.full_range else STUDIO_RANGE,
        "dst_color_range": FULL_RANGE,
        "src_colorspace": matrix_of(video),
        "dst_colorspace": matrix_of(video),
    }
    area = Interpolation.AREA
    small: Any = frame.reformat(width, height, "rgb24", interpolation=area, **ranges).to_ndarray()
    grey: Any = frame.reformat(format="gray", **ranges).to_ndarray()
    luma = small.astype(np.float64) @ np.array(_TO_XYZ[1])
    cells = max(height // _CELL, 1), max(width // _CELL, 1)
    return Look(_means(_lab(small), *cells), luma, _detail(grey))


def colour_change(one: Look, other: Look) -> float:
    """Return how far the picture's colours lie apart as a whole: CIE delta E (1976).

    Of lightness and both colours the blocks' middle change counts: what moves through the picture
    makes some blocks lighter and others darker, a tint moves them all.
    """
    middle = np.median((other.lab - one.lab).reshape(-1, 3), axis=0)
    return float(np.sqrt(np.sum(middle**2)))


def detail_change_db(before: Sequence[Look], after: Sequence[Look]) -> float | None:
    """Return fine detail of `after` over that of `before` in dB; None where neither has any."""
    one, other = (np.mean([look.detail for look in looks], axis=0) for looks in (before, after))
    textured = np.maximum(one, other) > 1.0
    if np.count_nonzero(textured) < 3:
        return None
    ratio = (other[textured] + 0.25) / (one[textured] + 0.25)
    return float(np.median(20 * np.log10(ratio)))


def movement(one: Look, other: Look) -> Values:
    """Return how patches move from one picture to the next: ``[patches, 2]`` in small pixels.

    By phase correlation; NaN where a patch cannot be followed.
    """
    height, width = one.luma.shape
    patch = min(_PATCH, height, width)
    window = np.outer(np.hanning(patch), np.hanning(patch))
    tops, lefts = (range(0, side - patch + 1, _STRIDE) for side in (height, width))
    return np.array(
        [
            _shift(one.luma[area], other.luma[area], window)
            for area in (np.s_[y : y + patch, x : x + patch] for y in tops for x in lefts)
        ]
    )


def _shift(one: Values, other: Values, window: Values) -> tuple[float, float]:
    if min(one.std(), other.std()) < _TEXTURE:
        return np.nan, np.nan
    first, second = (np.fft.rfft2((each - each.mean()) * window) for each in (one, other))
    cross = second * np.conj(first)
    peaks = np.fft.irfft2(cross / np.maximum(np.abs(cross), 1e-9), s=window.shape)
    y, x = (int(at) for at in np.unravel_index(int(peaks.argmax()), peaks.shape))
    size = len(window)
    down, across = (at - size if at > size / 2 else at for at in (y, x))
    if peaks[y, x] < _PEAK or not _explains(one, other, down, across):
        return np.nan, np.nan
    return _fine(peaks[y, :], x), _fine(peaks[:, x], y)


def _explains(one: Values, other: Values, down: int, across: int) -> bool:
    """Return whether one patch moved like this is the other: what repeats itself has many peaks."""
    size = len(one)
    if max(abs(down), abs(across)) > size // 3:
        return False
    first = one[max(-down, 0) : size - max(down, 0), max(-across, 0) : size - max(across, 0)]
    second = other[max(down, 0) : size + min(down, 0), max(across, 0) : size + min(across, 0)]
    left = float(np.mean((first - second) ** 2))
    return left <= _EXPLAINED**2 * first.var() and left <= 1.01 * float(np.mean((one - other) ** 2))


def _fine(line: Values, at: int) -> float:
    """Return where the peak of a circular line lies, between its samples, -half..half."""
    size = line.size
    left, top, right = line[at - 1], line[at], line[(at + 1) % size]
    bend = left - 2 * top + right
    place = at + (0.5 * (left - right) / bend if bend else 0.0)
    return float(place - size if place > size / 2 else place)


def _lab(rgb: NDArray[np.uint8]) -> Values:
    signal = rgb / 255
    linear = np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4)
    xyz = linear @ np.array(_TO_XYZ).T / np.array(_D65)
    cut = 216 / 24389
    f = np.where(xyz > cut, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    x, y, z = (f[..., part] for part in range(3))
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def _detail(grey: NDArray[np.uint8]) -> Values:
    """Return the mean of the Laplacian's size in blocks."""
    if min(grey.shape) < 3:
        return np.zeros((1, 1))
    wide = grey.astype(np.int16)
    rough = np.abs(
        4 * wide[1:-1, 1:-1] - wide[:-2, 1:-1] - wide[2:, 1:-1] - wide[1:-1, :-2] - wide[1:-1, 2:]
    )
    rows, columns = min(_DETAIL_ROWS, rough.shape[0]), min(_DETAIL_COLUMNS, rough.shape[1])
    return _means(rough[..., None], rows, columns)[..., 0]


def _means(picture: NDArray[Any], rows: int, columns: int) -> Values:
    """Return means over ``rows x columns`` blocks of ``[h, w, c]``."""
    down = np.linspace(0, picture.shape[0], rows + 1).astype(int)
    across = np.linspace(0, picture.shape[1], columns + 1).astype(int)
    sums = np.add.reduceat(picture, down[:-1], axis=0, dtype=np.float64)
    sums = np.add.reduceat(sums, across[:-1], axis=1)
    return sums / np.outer(np.diff(down), np.diff(across))[..., None]
