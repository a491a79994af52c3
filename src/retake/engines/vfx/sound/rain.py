"""Rain: a wash from everywhere, drops nearby, and the plink of water on water."""

from __future__ import annotations

import numpy as np

from retake.engines.vfx.plan import Cue
from retake.engines.vfx.sound.envelope import lasting
from retake.engines.vfx.sound.grains import GrainKind, bank, scatter
from retake.engines.vfx.sound.waves import Wave, band, drift, shaped, wide

_DROP = GrainKind(1400, 9000, 0.002, 0.010, tone=0.1)
_SPLAT = GrainKind(500, 2600, 0.006, 0.022, tone=0.15, glide=-0.5)
# A drop traps a bubble that rings between 1 and 4 kHz, rising as it shrinks (Minnaert 1933).
_PLINK = GrainKind(1000, 3800, 0.008, 0.03, tone=1.0, glide=0.35)


def render(cue: Cue, length: int, draw: np.random.Generator, _seed: int) -> Wave:
    """Return the sound of rain, ``[2, length]``; strength goes from drizzle to downpour."""
    there = lasting(cue, length)
    heavy = cue.strength
    sides = [_wash(length, heavy, draw) for _ in range(2)]
    out = wide(sides[0], sides[1], 0.85) * (there * drift(length, draw, 1.1, 0.62, 1.15))
    out += 0.75 * scatter(length, draw, bank(_DROP, draw), 120 + 420 * heavy, there, tail=2.0)
    out += 0.9 * scatter(length, draw, bank(_SPLAT, draw), 20 + 90 * heavy, there, tail=1.9)
    out += 0.35 * scatter(length, draw, bank(_PLINK, draw), 16 + 20 * heavy, there, tail=2.0)
    return out


def _wash(length: int, heavy: float, draw: np.random.Generator) -> Wave:
    air = shaped(length, draw, band(1800, 13000, 0.35))
    body = shaped(length, draw, band(350, 2600, 0.5))
    ground = shaped(length, draw, band(70, 420, 0.8))
    return (0.03 + 0.07 * heavy) * air + (0.01 + 0.08 * heavy) * body + 0.05 * heavy**2 * ground
