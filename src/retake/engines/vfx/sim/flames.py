"""What an open fire does to the gas: fuel that burns along a strip of ground, and licks upwards."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from retake.core.watch import Watch
from retake.engines.vfx.sim.burn import Burn, smooth
from retake.engines.vfx.sim.emit import put_ball
from retake.engines.vfx.sim.fluid import Fluid, Physics, fast_size

_SPOTS = 15
_PREROLL_S = 1.5
_STEP_S = 1 / 24


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where fuel lies: units from the foot; `vigour` scales its flames."""

    x: float
    z: float
    radius: float
    phase: float
    vigour: float


class Flames(Burn):
    """The gas of an open fire, its foot in the middle of the box's floor.

    Args:
        rng: Draws its shape.
        cells: Cells in a unit.
        box: Width, height and depth in units.
        begin_s, dying_s, end_s: When it is first seen, when fuel runs out, when all has gone.
        wind: -1 (to the left) .. 1.
        vigour: How strongly it burns, 0..1.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        cells: float,
        box: tuple[float, float, float],
        begin_s: float,
        dying_s: float,
        end_s: float,
        wind: float,
        vigour: float,
    ) -> None:
        wide, tall, deep = (fast_size(side * cells) for side in box)
        super().__init__(Fluid(deep, tall, wide), cells, begin_s, end_s)
        self._dying_s, self._wind, self._vigour, self._rng = dying_s, wind, vigour, rng
        self._foot = np.array([wide / 2, 0.0, deep / 2])
        # Tallest in the middle, as where air is drawn in from both sides.
        self._spots = [
            _Spot(
                x=x,
                z=0.35 * box[2] * rng.uniform(-0.5, 0.5),
                radius=rng.uniform(0.02, 0.042),
                phase=rng.uniform(0, 2 * math.pi),
                vigour=rng.uniform(0.75, 1.1) * math.exp(-((x / (0.36 * box[0])) ** 2)),
            )
            for x in np.linspace(-0.27, 0.27, _SPOTS) * box[0] + rng.normal(0, 0.012, _SPOTS)
        ]

    def start(self, watch: Watch) -> None:
        """Let it burn for a while unseen, so that it is a fire and no puff when it appears."""
        self.run_up(_PREROLL_S, _STEP_S, watch)

    def feed(self, time_s: float, dt: float) -> None:  # noqa: ARG002 -- a blast needs it
        """Put in the fuel of one step: every spot flickers and wanders on its own."""
        rise = smooth(self.begin_s - _PREROLL_S, self.begin_s + 0.5, time_s)
        much = (0.5 + 0.5 * rise) * (1 - smooth(self._dying_s, self._dying_s + 0.7, time_s))
        if much < 0.03:
            return
        for spot in self._spots:
            self._burn_spot(spot, time_s, much)

    def _burn_spot(self, spot: _Spot, t: float, much: float) -> None:
        rng, p = self._rng, spot.phase
        # Fires puff: the hot gas leaves in parcels, a few a second.
        puff = 0.7 + 0.3 * math.sin(11 * t + p + 1.6 * math.sin(3.1 * t + 2 * p))
        level = much * spot.vigour * (0.75 + 0.5 * self._vigour)
        for n in range(2):
            dx = spot.radius * 1.1 * math.sin(2.6 * t + p + 2.4 * n) + 0.006 * rng.normal()
            dz = spot.radius * 0.9 * math.cos(2.1 * t + 1.3 * p + 2 * n) + 0.006 * rng.normal()
            at = np.array([spot.x + dx, 0.012 + 0.012 * rng.random(), spot.z + dz])
            speed = np.array([0.05 * rng.normal(), (0.3 + 0.4 * puff) * level, 0.05 * rng.normal()])
            put_ball(
                self.fluid.state,
                self._foot + at * self.cells,
                max(1.3, spot.radius * (0.45 + 0.75 * puff * level) * self.cells),
                (1.25 + 0.75 * puff) * min(1.0, level + 0.25),
                0.02,
                speed * self.cells,
            )

    def relax(self, time_s: float) -> float:  # noqa: ARG002 -- a blast needs it
        """Return little: in so fast a flow texture would be torn to grains."""
        return 0.5

    def physics(self, time_s: float) -> Physics:
        """Return how hot, fast, thin gas behaves."""
        u = self.cells
        out = smooth(self._dying_s + 0.3, self.end_s - 0.1, time_s)
        return Physics(
            buoyancy=(1.9 + 0.6 * self._vigour) * u,
            weight=0.0,
            swirl=0.08 * u,
            wind_x=(0.05 + 0.8 * self._wind) * u,
            drag=0.9,
            cool=0.22 + 4 * out,
            chill=1.7,
            soot_loss=0.5 + 5 * out,
            soot=0.16 * (1 - out),
            swell=1.0,
            swell_above=0.8,
        )
