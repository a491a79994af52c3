"""The loudness curve of a lasting effect, the same as its picture's."""

from __future__ import annotations

import numpy as np

from retake.engines.vfx.events import presence
from retake.engines.vfx.plan import Cue
from retake.engines.vfx.sound.waves import RATE, Wave

_GRID_HZ = 200


def lasting(cue: Cue, length: int) -> Wave:
    """Return ``[length]`` in 0..1: how far a lasting effect is there at each sample."""
    grid = np.arange(int(length / RATE * _GRID_HZ) + 2) / _GRID_HZ
    levels = np.array([presence(cue, float(time)) for time in grid])
    return np.interp(np.arange(length) / RATE, grid, levels)


def ending(cue: Cue, length: int, fade_s: float) -> Wave:
    """Return 1 up to `fade_s` before the cue's end, then down to 0 with zero slope at both ends."""
    fade_s = min(fade_s, (cue.end_s - cue.start_s) / 2)
    left = np.clip((cue.end_s - np.arange(length) / RATE) / max(fade_s, 1e-3), 0, 1)
    return left * left * (3 - 2 * left)
