"""What smoke does: warm, dense gas wells up from the ground and drifts."""

from __future__ import annotations

import math

import numpy as np

from retake.core.watch import Watch
from retake.engines.vfx.sim.burn import Burn, smooth
from retake.engines.vfx.sim.emit import put_ball
from retake.engines.vfx.sim.fluid import Fluid, Physics, fast_size

_SOURCES = 7
_PREROLL_S = 1.4
_STEP_S = 1 / 20


class Plume(Burn):
    """The gas of a smoke column, its foot in the middle of the box's floor.

    Args:
        rng: Draws its shape.
        cells: Cells in a unit.
        box: Width, height and depth in units.
        begin_s, thinning_s, end_s: When it is first seen, when it begins to clear, when all has
            gone.
        wind: -1 (to the left) .. 1.
        amount: How much smoke, 0..1.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        cells: float,
        box: tuple[float, float, float],
        begin_s: float,
        thinning_s: float,
        end_s: float,
        wind: float,
        amount: float,
    ) -> None:
        wide, tall, deep = (fast_size(side * cells) for side in box)
        super().__init__(Fluid(deep, tall, wide), cells, begin_s, end_s)
        self._thinning_s, self._wind, self._amount, self._rng = thinning_s, wind, amount, rng
        self._foot = np.array([wide / 2, 0.0, deep / 2])
        self._sources = np.column_stack(
            [
                rng.normal(0, 0.055, _SOURCES),
                rng.normal(0, 0.035, _SOURCES),
                rng.uniform(0.03, 0.055, _SOURCES),
                rng.uniform(0, 2 * math.pi, _SOURCES),
            ]
        )

    def start(self, watch: Watch) -> None:
        """Let it well up for a while unseen, so that a column stands there when it appears."""
        self.run_up(_PREROLL_S, _STEP_S, watch)

    def feed(self, time_s: float, dt: float) -> None:  # noqa: ARG002 -- a blast needs it
        """Put in the smoke of one step."""
        much = 1 - smooth(self._thinning_s - 0.3, self._thinning_s + 0.4, time_s)
        if much < 0.03:
            return
        rng = self._rng
        for x, z, radius, phase in self._sources:
            pulse = 0.7 + 0.3 * math.sin(5.1 * time_s + phase + math.sin(2.3 * time_s))
            wander = 0.02 * math.sin(1.7 * time_s + 2 * phase)
            at = np.array([x + wander, 0.03 + 0.01 * rng.random(), z])
            speed = np.array([0.05 * rng.normal(), 0.42 * pulse, 0.05 * rng.normal()])
            put_ball(
                self.fluid.state,
                self._foot + at * self.cells,
                max(1.3, radius * (0.6 + 0.5 * pulse) * self.cells),
                0.55 * pulse * much,
                (0.5 + 0.9 * self._amount) * pulse * much,
                speed * self.cells,
            )

    def physics(self, time_s: float) -> Physics:
        """Return how warm smoke behaves: it rises, mixes, and at last thins out."""
        u = self.cells
        out = smooth(self._thinning_s, self.end_s - 0.1, time_s)
        return Physics(
            buoyancy=1.25 * u,
            weight=0.03 * u,
            swirl=0.16 * u,
            wind_x=(0.04 + 0.4 * self._wind) * u,
            drag=0.35,
            cool=0.35 + out,
            soot_loss=0.10 + 2.6 * out,
            soot=0.0,
            swell=0.6,
            swell_above=0.2,
        )
