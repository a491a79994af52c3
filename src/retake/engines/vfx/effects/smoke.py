"""Smoke: a column that wells up from the ground and drifts off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from retake.core.watch import Watch
from retake.engines.vfx.chance import generator
from retake.engines.vfx.effects.effect import Layer
from retake.engines.vfx.plan import Cue
from retake.engines.vfx.render.look import Look
from retake.engines.vfx.render.moment import Moment
from retake.engines.vfx.render.stand import cells_of, unit_of
from retake.engines.vfx.render.volume import VolumeLayer
from retake.engines.vfx.scene.place import open_ground
from retake.engines.vfx.scene.scene import Scene
from retake.engines.vfx.sim.burn import smooth
from retake.engines.vfx.sim.plume import Plume

_CELLS = 84.0
_WIDE, _DEEP, _ABOVE = 1.3, 0.6, 0.2
_GREY = (0.62, 0.61, 0.60)
_LOOK = Look(
    erode=1.2,
    density=0.34,
    flame=0.0,
    ambient=(0.10, 0.105, 0.115),
    sky=(0.80, 0.79, 0.77),
    fire=(0.0, 0.0, 0.0),
)


class Smoke:
    """Prepares smoke. See `effects.effect.Effect`."""

    name = "smoke"

    def prepare(self, cue: Cue, scene: Scene, seed: int, watch: Watch) -> Layer:
        """Return the layer of one column of smoke; it stands already when it is first seen."""
        watch.check()
        size = 0.8 + 0.6 * cue.strength
        place = cue.place or open_ground(scene)
        thinning_s = cue.end_s - min(1.5, 0.3 * (cue.end_s - cue.start_s))
        tall = float(np.clip(place[1] * scene.height / unit_of(scene, size) + _ABOVE, 0.6, 1.2))
        burn = Plume(
            rng=generator(seed, f"smoke {cue.start_s:.3f}"),
            cells=cells_of(scene, size, _CELLS),
            box=(_WIDE, tall, _DEEP),
            begin_s=cue.start_s,
            thinning_s=thinning_s,
            end_s=cue.end_s,
            wind=cue.direction,
            amount=cue.strength,
        )
        colour = _GREY if cue.colour is None else cue.colour
        look = replace(_LOOK, albedo=colour, dust=colour)
        return VolumeLayer(scene, burn, _moments(cue, thinning_s), look, place, size, seed, watch)


def _moments(cue: Cue, thinning_s: float) -> Callable[[float], Moment]:
    def moment(time_s: float) -> Moment:
        come = smooth(cue.start_s, cue.start_s + 0.9, time_s)
        gone = smooth(thinning_s, cue.end_s - 0.1, time_s)
        return Moment(
            te=time_s - cue.start_s,
            glow=0.0,
            thin=1.5 * gone + 1.2 * (1 - come),
            fade=come * (1 - smooth(cue.end_s - 0.45, cue.end_s - 0.04, time_s)),
            power=0.0,
            haze=0.0,
            shade=0.35 * come * (1 - gone),
        )

    return moment


EFFECT = Smoke()
