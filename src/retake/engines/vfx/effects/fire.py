"""Fire: flames along the ground that light what is around them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from retake.core.watch import Watch
from retake.engines.vfx.chance import generator
from retake.engines.vfx.effects.effect import Layer
from retake.engines.vfx.plan import Cue
from retake.engines.vfx.render.look import Look
from retake.engines.vfx.render.moment import Moment
from retake.engines.vfx.render.stand import cells_of
from retake.engines.vfx.render.volume import VolumeLayer
from retake.engines.vfx.scene.place import open_ground
from retake.engines.vfx.scene.scene import Scene
from retake.engines.vfx.sim.burn import smooth
from retake.engines.vfx.sim.flames import Flames

_CELLS = 150.0
_RISE = 0.75
_BOX = (1.0, 0.78, 0.3)
_LOOK = Look(
    displace=2.2,
    frequency=0.6,
    stretch=0.45,
    erode=0.9,
    flicker=0.40,
    fine=0.0,
    density=0.12,
    flame=0.28,
    bright=0.72,
)


class Fire:
    """Prepares fires. See `effects.effect.Effect`."""

    name = "fire"

    def prepare(self, cue: Cue, scene: Scene, seed: int, watch: Watch) -> Layer:
        """Return the layer of one fire; it has burnt for a while when it is first seen."""
        watch.check()
        size = 0.7 + 0.6 * cue.strength
        dying_s = cue.end_s - min(1.1, 0.25 * (cue.end_s - cue.start_s))
        burn = Flames(
            rng=generator(seed, f"fire {cue.start_s:.3f}"),
            cells=cells_of(scene, size, _CELLS),
            box=_BOX,
            begin_s=cue.start_s,
            dying_s=dying_s,
            end_s=cue.end_s,
            wind=cue.direction,
            vigour=cue.strength,
        )
        look = _LOOK
        if cue.colour is not None:
            r, g, b = (1.9 * c / max(*cue.colour, 1e-3) for c in cue.colour)
            look = replace(look, fire=(r, g, b))
        place = cue.place or open_ground(scene)
        moments = _moments(cue, dying_s)
        return VolumeLayer(scene, burn, moments, look, place, size, seed, watch, tint=cue.colour)


def _moments(cue: Cue, dying_s: float) -> Callable[[float], Moment]:
    def moment(time_s: float) -> Moment:
        fade = smooth(cue.start_s, cue.start_s + 0.6, time_s)
        fade *= 1 - smooth(cue.end_s - 0.4, cue.end_s - 0.04, time_s)
        return Moment(
            te=time_s - cue.start_s,
            glow=1 - smooth(dying_s + 0.4, cue.end_s - 0.1, time_s),
            thin=1.2 * smooth(dying_s, cue.end_s - 0.1, time_s),
            fade=fade,
            # The camera stops down a little, or daylight would wash the flames out.
            exposure=1 - 0.2 * fade,
            risen=_RISE * (time_s - cue.start_s),
            power=11.0,
            most=2.6,
        )

    return moment


EFFECT = Fire()
