"""An explosion: flash, fireball, pressure wave, sparks, shards, then burning ground and smoke."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from retake.core.watch import Watch
from retake.engines.vfx.chance import generator
from retake.engines.vfx.effects.effect import Layer
from retake.engines.vfx.events import ignition
from retake.engines.vfx.plan import Cue
from retake.engines.vfx.render.look import Look
from retake.engines.vfx.render.moment import Moment
from retake.engines.vfx.render.sparks import Shards, Sparks
from retake.engines.vfx.render.stand import cells_of, unit_of
from retake.engines.vfx.render.volume import VolumeLayer
from retake.engines.vfx.scene.place import open_ground
from retake.engines.vfx.scene.scene import Scene
from retake.engines.vfx.sim.blast import Blast
from retake.engines.vfx.sim.burn import smooth

_CELLS = 80.0
_WIDE, _DEEP, _ABOVE = 1.6, 0.675, 0.22
_SPARKS, _SHARDS = 260, 40


@dataclass(frozen=True, slots=True)
class _Times:
    """When an explosion does what, seconds from the section's start."""

    ignition: float
    clearing: float
    end: float


class Explosion:
    """Prepares explosions. See `effects.effect.Effect`."""

    name = "explosion"

    def prepare(self, cue: Cue, scene: Scene, seed: int, watch: Watch) -> Layer:
        """Return the layer of one explosion; the gas is simulated while frames are drawn."""
        watch.check()
        place = cue.place or open_ground(scene)
        size = 0.7 + 0.75 * cue.strength
        times = _times(cue)
        rng = generator(seed, f"explosion {cue.start_s:.3f}")
        burn = Blast(
            rng=rng,
            cells=cells_of(scene, size, _CELLS),
            box=(_WIDE, _height(scene, place, size), _DEEP),
            ignition_s=times.ignition,
            clearing_s=times.clearing,
            end_s=times.end,
            wind=cue.direction,
        )
        look = Look() if cue.colour is None else replace(Look(), fire=_fire_light(cue.colour))
        layer = VolumeLayer(
            scene, burn, _moments(times), look, place, size, seed, watch, tint=cue.colour
        )
        layer.sparks = Sparks(rng, _SPARKS, cue.strength)
        layer.shards = Shards(rng, _SHARDS, cue.strength)
        return layer


def _times(cue: Cue) -> _Times:
    length = cue.end_s - cue.start_s
    return _Times(ignition(cue), cue.end_s - min(2.0, 0.38 * length), cue.end_s)


def _height(scene: Scene, place: tuple[float, float], size: float) -> float:
    """Return how tall the box has to be, in units, to end above the picture's upper edge."""
    rise = place[1] * scene.height / unit_of(scene, size)
    return float(np.clip(rise + _ABOVE, 0.7, 1.3))


def _fire_light(colour: tuple[float, float, float]) -> tuple[float, float, float]:
    r, g, b = (1.9 * c / max(*colour, 1e-3) for c in colour)
    return r, g, b


def _moments(times: _Times) -> Callable[[float], Moment]:
    def moment(time_s: float) -> Moment:
        te = time_s - times.ignition
        fade = 1 - smooth(times.end - 0.45, times.end - 0.04, time_s)
        clearing = smooth(times.clearing, times.end - 0.15, time_s)
        # The camera stops down at the flash and recovers.
        dip = (0.42 * math.exp(-te / 1.0) + 0.06) * smooth(0, 0.06, te)
        dip *= (1 - smooth(1.6, 2.6, te)) * fade
        return Moment(
            te=te,
            glow=1 - smooth(times.clearing - 0.2, times.clearing + 0.6, time_s),
            thin=1.6 * clearing,
            fade=fade,
            bright=0.8 + 1.15 * math.exp(-te / 0.14),
            exposure=1 - dip,
            flash=5.5 * math.exp(-te / 0.09) if te < 0.8 else 0.0,
            ring=te * 2.4,
            ring_strength=0.022 * max(0.0, 1 - te / 0.45),
            haze=1.0,
            shade=0.5 * smooth(0.5, 1.4, te) * (1 - clearing),
            shake=0.020 * fade,
        )

    return moment


EFFECT = Explosion()
