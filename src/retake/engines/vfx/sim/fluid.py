"""A 3-D fluid of hot gas and soot over a solid floor, open at its sides and top."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy.fft import next_fast_len

from retake.engines.vfx.rows import run_rows
from retake.engines.vfx.sim import advection, forces
from retake.engines.vfx.sim.pressure import PressureSolver

State = NDArray[np.float32]
"""``[z, y, x, 8]``: u, v, w (cells a second), T, S, tx, ty, tz; y upwards, row 0 on the floor."""


@dataclass(frozen=True, slots=True)
class Physics:
    """How the gas behaves; lengths in cells. Order and meaning as in `forces.act`.

    Attributes:
        buoyancy: Acceleration upwards of gas at T = 1, cells/s².
        weight: Acceleration downwards of soot at S = 1, cells/s².
        swirl: Strength of vorticity confinement.
        wind_x, wind_z: Acceleration of everything visible, cells/s².
        drag: Loss of speed, 1/s.
        cool: Cooling, 1/s.
        soot_loss: How fast smoke thins out, 1/s.
        soot: Soot left by gas that cools by 1.
        swell: Expansion of hot gas, 1/s at one degree above `swell_above`.
        swell_above: Temperature above which gas expands.
        rest: Further loss of speed of empty air, 1/s.
        chill: Cooling by mixing with cold air, degrees a second.
    """

    buoyancy: float = 60.0
    weight: float = 2.0
    swirl: float = 8.0
    wind_x: float = 0.0
    wind_z: float = 0.0
    drag: float = 0.2
    cool: float = 1.0
    soot_loss: float = 0.1
    soot: float = 1.0
    swell: float = 0.0
    swell_above: float = 0.5
    rest: float = 0.0
    chill: float = 0.0


def fast_size(cells: float) -> int:
    """Return the next number of cells, at least 8, whose transforms are fast."""
    return int(cast(int, next_fast_len(max(8, round(cells)), real=True)))


class Fluid:
    """The gas in a box of ``nz * ny * nx`` cells. Steps are deterministic, bit for bit."""

    def __init__(self, nz: int, ny: int, nx: int) -> None:
        self.shape = (nz, ny, nx)
        self.state: State = np.zeros((nz, ny, nx, advection.CHANNELS), np.float32)
        self._traced = np.zeros_like(self.state)
        self._next = np.zeros_like(self.state)
        self._curl = np.zeros((nz, ny, nx, 4), np.float32)
        self._grow = np.zeros((nz, ny, nx), np.float32)
        self._divergence = np.zeros_like(self._grow)
        self._pressure = PressureSolver(nz, ny, nx)

    @property
    def heat(self) -> NDArray[np.float32]:
        """Temperature ``[z, y, x]``: 0 is the air around, 1 burns bright orange."""
        return self.state[..., 3]

    @property
    def soot(self) -> NDArray[np.float32]:
        """Soot ``[z, y, x]``: 0 is clear, 1 is thick black smoke."""
        return self.state[..., 4]

    def step(self, dt: float, physics: Physics, relax: float) -> None:
        """Move on by `dt` seconds; texture displacement is multiplied by `relax` (0..1)."""
        nz, ny, nx = self.shape
        seconds = np.float32(dt)
        numbers = np.array(astuple(physics), np.float32)
        run_rows(forces.curl, nz, self.state, self._curl)
        run_rows(forces.act, nz, self.state, self._curl, self._grow, seconds, numbers)
        run_rows(forces.diverge, nz, self.state, self._grow, self._divergence)
        pressure = self._pressure.solve(self._divergence)
        run_rows(forces.subtract_gradient, nz, self.state, pressure)
        flat, traced, after = (a.reshape(-1) for a in (self.state, self._traced, self._next))
        run_rows(advection.trace_back, nz, flat, traced, nz, ny, nx, seconds)
        ratio = np.float32(relax)
        run_rows(advection.correct, nz, flat, traced, after, nz, ny, nx, seconds, ratio)
        self.state, self._next = self._next, self.state
