"""Matching colours: what an engine did to frames it should have kept is undone in the section.

An engine that decodes the handles too shows how its pictures differ from the source's: a little
brighter, a little greener. At each side a line is fitted through the means of small blocks, for
each channel alone; blocks where something else is shown don't count. Across the section the
correction moves smoothly from one side's to the other's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from retake.core.report import ColourMatch, SideMatch
from retake.media.colour import RGB

GAINS = (0.8, 1.25)
MOST_CHANGE = 0.15
"""How far a correction goes; what differs more than this is another picture, and left alone."""

_ROWS, _COLUMNS = 36, 64
_LEAST_BLOCKS = 24
_LEAST_SHARE = 0.5
_CLIPPED = 0.004
_FLAT = 0.03
"""Spread of brightness below which the offset alone is believed."""
_CUT = 4.0
_LEAST_SCALE = 0.0005
_NOTHING = 0.25 / 255

Values = NDArray[np.float64]


def block_means(frame: RGB) -> Values:
    """Return what is kept of a frame to compare it: ``[blocks, 3]``, means in 0..1."""
    height, width = frame.shape[:2]
    rows = np.unique(np.linspace(0, height, min(_ROWS, height) + 1).astype(int))
    columns = np.unique(np.linspace(0, width, min(_COLUMNS, width) + 1).astype(int))
    sums = np.add.reduceat(frame, rows[:-1], axis=0, dtype=np.uint64)
    sums = np.add.reduceat(sums, columns[:-1], axis=1, dtype=np.uint64)
    area = np.outer(np.diff(rows), np.diff(columns))[..., None] * np.iinfo(frame.dtype).max
    return (sums / area).reshape(-1, 3)


def match_side(own: Sequence[Values], made: Sequence[Values]) -> SideMatch | None:
    """Return the correction that turns frames which were made into the source's own.

    Args:
        own: The source's frames, as `block_means` tells them.
        made: The engine's version of the same frames, in the same order.

    Returns:
        None where there are none, or where most of the picture is something else.
    """
    if not own:
        return None
    ys, xs = np.concatenate(own), np.concatenate(made)
    inside = np.all((np.minimum(xs, ys) > _CLIPPED) & (np.maximum(xs, ys) < 1 - _CLIPPED), axis=1)
    xs, ys = xs[inside], ys[inside]
    if len(xs) < _LEAST_BLOCKS:
        return None
    fits = [_fit(xs[:, channel], ys[:, channel]) for channel in range(3)]
    # A block counts in all channels or in none: what is another thing is it in every colour.
    used = np.all([weights > 0 for _, _, weights in fits], axis=0)
    if float(np.mean(used)) < _LEAST_SHARE:
        return None
    gains, offsets = (np.array([fit[part] for fit in fits]) for part in (0, 1))
    off_by = float(np.mean(np.abs(xs - ys)[used]))
    change = _largest_change(gains, offsets, xs[used])
    if change > MOST_CHANGE or gains.min() < GAINS[0] or gains.max() > GAINS[1]:
        return None
    if change < _NOTHING:
        gains, offsets = np.ones(3), np.zeros(3)
    left = float(np.mean(np.abs(xs * gains + offsets - ys)[used]))
    return SideMatch(
        gain=_three(gains),
        offset=_three(255 * offsets),
        frames=len(own),
        blocks_used=round(float(np.mean(used)), 4),
        off_by=round(255 * off_by, 3),
        left=round(255 * left, 3),
    )


def matched(frames: Iterable[RGB], count: int, match: ColourMatch) -> Iterator[RGB]:
    """Yield the `count` frames of a section, corrected; the very same where nothing is to be done.

    Where one side alone was measured, its correction holds for the whole section.
    """
    first, last = match.before or match.after, match.after or match.before
    if first is None or last is None or not (first.changes or last.changes):
        yield from frames
        return
    ends = [np.array([side.gain, np.array(side.offset) / 255]) for side in (first, last)]
    for number, frame in enumerate(frames):
        along = (number + 0.5) / count
        weight = along * along * (3 - 2 * along)
        gain, offset = (1 - weight) * ends[0] + weight * ends[1]
        yield _corrected(frame, gain, offset)


def _corrected(frame: RGB, gain: Values, offset: Values) -> RGB:
    most = np.iinfo(frame.dtype).max
    levels = np.arange(most + 1) / most
    out = np.empty_like(frame)
    for channel in range(3):
        table = np.clip(levels * gain[channel] + offset[channel], 0, 1)
        out[..., channel] = np.rint(table * most).astype(frame.dtype)[frame[..., channel]]
    return out


def _fit(x: Values, y: Values) -> tuple[float, float, Values]:
    """Return gain and offset with ``y = gain * x + offset``, and the weight of every block.

    Tukey's biweight, reweighted until it rests; where the picture is flat the gain stays near 1.
    """
    difference = y - x
    middle = float(np.median(x))
    level, slope = float(np.median(difference)), 0.0
    weights = np.ones_like(x)
    for _ in range(20):
        residual = difference - level - slope * (x - middle)
        scale = max(1.4826 * float(np.median(np.abs(residual))), _LEAST_SCALE)
        weights = np.maximum(1 - (residual / (_CUT * scale)) ** 2, 0) ** 2
        total = float(weights.sum())
        if not total:
            break
        mean_x = float(weights @ x) / total
        mean_d = float(weights @ difference) / total
        spread = float(weights @ (x - mean_x) ** 2) / total
        together = float(weights @ ((x - mean_x) * (difference - mean_d))) / total
        slope = together / (spread + _FLAT**2)
        level = mean_d + slope * (middle - mean_x)
    return 1 + slope, level - slope * middle, weights


def _largest_change(gains: Values, offsets: Values, shown: Values) -> float:
    """Return how far a correction moves what is shown, but for its darkest and lightest blocks."""
    at = np.quantile(shown, [0.02, 0.98], axis=0)
    return float(np.max(np.abs(at * (gains - 1) + offsets)))


def _three(values: Values) -> tuple[float, float, float]:
    red, green, blue = (round(float(value), 5) for value in values)
    return red, green, blue
