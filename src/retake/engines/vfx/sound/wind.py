"""Wind: resonances that wander with the gusts, and a low buffeting."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from retake.engines.vfx.plan import Cue
from retake.engines.vfx.sound.envelope import lasting
from retake.engines.vfx.sound.waves import Wave, band, banded, drift, shaped, wide

_EDGES_HZ = tuple(110 * 2 ** (step / 3) for step in range(15))
_OCTAVES = 0.3


def render(cue: Cue, length: int, draw: np.random.Generator, _seed: int) -> Wave:
    """Return the sound of wind, ``[2, length]``; strength goes from a breeze to a howling gale."""
    return blow(length, cue.strength, draw) * lasting(cue, length)


def blow(length: int, strong: float, draw: np.random.Generator) -> Wave:
    """Return steady wind without beginning or end, RMS about 0.2 at full strength."""
    gust = drift(length, draw, 0.5 + 0.5 * strong, 0.15, 1.0)
    sides: list[Wave] = []
    for _ in range(2):
        own = np.clip(gust + drift(length, draw, 1.3, -0.15, 0.15), 0, 1.2)
        howl = _howl(length, 180 + 800 * strong * own**1.3, own, draw)
        body = shaped(length, draw, band(120, 900, 0.9))
        low = shaped(length, draw, band(28, 150, 1.0)) * drift(length, draw, 4, 0.3, 1.1)
        hiss = shaped(length, draw, band(1500, 7000, 0.8)) * own**2
        soft = (0.2 * body + 0.4 * low) * (0.3 + own)
        sides.append(0.5 * howl * (0.15 + own) + soft + 0.1 * strong * hiss)
    return wide(sides[0], sides[1], 0.8) * (0.08 + 0.2 * strong)


def _howl(length: int, centre_hz: Wave, gust: Wave, draw: np.random.Generator) -> Wave:
    middle = np.log2(centre_hz)
    envelopes = [
        np.exp(-0.5 * ((np.log2(np.sqrt(low * high)) - middle) / _OCTAVES) ** 2) * (0.4 + gust)
        for low, high in pairwise(_EDGES_HZ)
    ]
    return banded(length, draw, _EDGES_HZ, envelopes)
