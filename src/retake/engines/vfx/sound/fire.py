"""Fire: a fluttering roar, gusts of flame, crackles and the odd loud pop."""

from __future__ import annotations

import numpy as np

from retake.engines.vfx.plan import Cue
from retake.engines.vfx.sound.envelope import lasting
from retake.engines.vfx.sound.grains import GrainKind, bank, scatter
from retake.engines.vfx.sound.space import reverb
from retake.engines.vfx.sound.waves import Wave, band, drift, shaped, wide

_CRACKLE = GrainKind(1100, 9000, 0.0015, 0.012, tone=0.1)
_SNAP = GrainKind(600, 3000, 0.006, 0.03, tone=0.25, glide=-0.4)
_POP = GrainKind(180, 900, 0.02, 0.07, tone=0.5, glide=-0.8)


def render(cue: Cue, length: int, draw: np.random.Generator, _seed: int) -> Wave:
    """Return the sound of a fire, ``[2, length]``; larger fires roar, smaller ones crackle."""
    there = lasting(cue, length)
    centre = 0.5 if cue.place is None else 0.2 + 0.6 * cue.place[0]
    big = cue.strength
    sides = [_roar(length, big, draw) for _ in range(2)]
    out = wide(sides[0], sides[1], 0.55) * there
    lively = there * drift(length, draw, 1.7, 0.35, 1.0)
    out += 1.5 * scatter(
        length, draw, bank(_CRACKLE, draw), 55, lively, tail=1.35, centre=centre, width=0.7
    )
    out += 1.5 * scatter(
        length, draw, bank(_SNAP, draw), 11, lively, tail=1.5, centre=centre, width=0.6
    )
    out += 1.3 * scatter(length, draw, bank(_POP, draw), 1 + 2 * big, there, centre=centre)
    return reverb(out, draw, decay_s=0.6, bright_hz=4000, wet=0.16)


def _roar(length: int, big: float, draw: np.random.Generator) -> Wave:
    low = shaped(length, draw, band(38, 190, 0.9)) * drift(length, draw, 9, 0.35, 1.15)
    gust = drift(length, draw, 2.6, 0.0, 1.0) ** 2
    mid = shaped(length, draw, band(160, 750, 0.8)) * gust * drift(length, draw, 16, 0.5, 1.1)
    hiss = shaped(length, draw, band(900, 6500, 0.7)) * drift(length, draw, 7, 0.2, 0.8)
    return (0.06 + 0.15 * big) * low + (0.05 + 0.24 * big) * mid + 0.035 * hiss
