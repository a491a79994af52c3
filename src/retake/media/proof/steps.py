"""Steps at a seam: the pictures right outside it against those right behind the blend.

What pictures do outside by themselves (a pan, a fade) is no step: it is measured there, over the
same time, and taken off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retake.core.section import Section
from retake.core.source import Source
from retake.media.decode import Beat, decode_frames
from retake.media.feather import feather_frames
from retake.media.proof.looks import Look, colour_change, detail_change_db, look_at, movement

_LOOKS = 4
"""Pictures that are looked at on either side."""


@dataclass(frozen=True, slots=True)
class Steps:
    """What changes at one seam; None where it cannot be told. Units as in `Seams`."""

    colour_de: float | None = None
    motion_pct: float | None = None
    sharpness_db: float | None = None


def steps_at(path: Path, made: Source, section: Section, inward: int, beat: Beat) -> Steps:
    """Return the steps of the pictures at one end of a section.

    Args:
        path: The finished file.
        made: What `probe` found in it.
        section: The section.
        inward: 1 at its beginning, -1 at its end.
        beat: Called for every packet.

    Raises:
        BadSource: `damaged`: the file cannot be decoded there.
    """
    video, count = made.video, len(section.frames)
    reach = feather_frames(count, video.frame_rate)
    edge = section.frames.start if inward > 0 else section.frames.end - 1
    # Numbers of pictures, counted from the first one inside; negative ones lie outside.
    outside = [-1 - n for n in range(_LOOKS)]
    inside = [reach + n for n in range(_LOOKS) if reach + n < count - reach]
    across = reach + 1
    wanted = {edge + inward * n: n for n in (*outside, *inside, -1 - across)}
    wanted = {frame: n for frame, n in wanted.items() if 0 <= frame < len(video.pts)}
    first, last = min(wanted), max(wanted) + 1
    frames = zip(range(first, last), decode_frames(path, made, first, last, beat=beat), strict=True)
    looks = {wanted[at]: look_at(frame, video) for at, frame in frames if at in wanted}
    times = {n: video.times[frame] for frame, n in wanted.items()}
    near = [looks[n] for n in outside if n in looks]
    behind = [looks[n] for n in inside if n in looks]
    if not near or not behind:
        return Steps()
    colour = colour_change(near[0], behind[0])
    usual = colour_change(looks[-1 - across], near[0]) if -1 - across in looks else 0.0
    return Steps(
        colour_de=max(colour - usual, 0.0),
        motion_pct=_motion_step(looks, times, outside, inside),
        sharpness_db=detail_change_db(near[:3], behind[:3]),
    )


def _motion_step(
    looks: Mapping[int, Look],
    times: Mapping[int, Fraction],
    outside: list[int],
    inside: list[int],
) -> float | None:
    near, behind = (_speeds(looks, times, side) for side in (outside, inside))
    if not near or not behind or not near[0].size:
        return None
    differ = _apart(np.median(near, axis=0), np.median(behind, axis=0))
    # What changes its movement all the time, on either side, says nothing of the seam.
    usual = np.maximum(_apart(near[0], near[-1]), _apart(behind[0], behind[-1]))
    told = (differ - usual)[np.isfinite(differ)]
    if told.size < max(3, len(differ) / 4):
        return None
    # Not the middle one: often only what stands in front moves, and its stopping is seen.
    return max(float(np.quantile(told, 0.75)), 0.0)


def _speeds(
    looks: Mapping[int, Look], times: Mapping[int, Fraction], numbers: list[int]
) -> list[NDArray[np.float64]]:
    """Return the speed of every patch between neighbours, in percent of the width a second."""
    there = [n for n in numbers if n in looks]
    return [
        100 * movement(looks[a], looks[b]) / looks[a].luma.shape[1] / float(times[b] - times[a])
        for a, b in pairwise(there)
        if times[a] != times[b]
    ]


def _apart(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much the speeds of every patch differ; NaN where it cannot be followed."""
    return np.hypot(*(one - other).T)
