"""Blending pictures into the source at both ends of a section, inside it."""

from __future__ import annotations

from fractions import Fraction
from typing import cast

import numpy as np

from retake.media.colour import RGB

FEATHER = Fraction(1, 6)
"""Seconds over which the outermost generated frames blend into the source, inside the section."""


def feather_frames(count: int, frame_rate: Fraction) -> int:
    """Return how many frames at each end of a section of `count` are blended."""
    return min(max(round(FEATHER * frame_rate), 1), count // 3)


def blend(own: RGB, made: RGB, weight: float) -> RGB:
    """Return (1 - weight) of `own` and `weight` of `made`, in whole steps of their own dtype."""
    share = round(weight * 4096)
    mixed = own.astype(np.uint32) * (4096 - share) + made.astype(np.uint32) * share
    return cast("RGB", ((mixed + 2048) >> 12).astype(made.dtype))
