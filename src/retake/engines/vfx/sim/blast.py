"""What an explosion does to the gas: one violent kick, burning debris, then fires on the ground."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retake.core.watch import Watch
from retake.engines.vfx.sim.burn import Burn, smooth
from retake.engines.vfx.sim.emit import put_ball
from retake.engines.vfx.sim.fluid import Fluid, Physics, fast_size
from retake.engines.vfx.sim.noise import SIZE, noise_cube

_KERNELS = 26
_LOBES = 34
_DEBRIS = 11
_FIRES = 9
_KICK = 0.825
_TWIST = 0.21

Vector = NDArray[np.float64]


@dataclass
class _Debris:
    """A burning piece that draws a trail; units and units a second."""

    at: Vector
    speed: Vector
    radius: float
    heat: float


@dataclass(frozen=True, slots=True)
class _Fire:
    """A spot on the ground that goes on burning."""

    x: float
    z: float
    radius: float
    phase: float


class Blast(Burn):
    """The gas of one explosion, its foot in the middle of the box's floor.

    Args:
        rng: Draws its shape.
        cells: Cells in a unit.
        box: Width, height and depth in units.
        ignition_s, clearing_s, end_s: When it goes off, when smoke begins to clear, when all has
            gone; seconds from the section's start.
        wind: -1 (to the left) .. 1.
        flames: How much the ground goes on burning, 1 as usual.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        cells: float,
        box: tuple[float, float, float],
        ignition_s: float,
        clearing_s: float,
        end_s: float,
        wind: float = 0.0,
        flames: float = 1.0,
    ) -> None:
        wide, tall, deep = (fast_size(side * cells) for side in box)
        super().__init__(Fluid(deep, tall, wide), cells, ignition_s, end_s)
        self._clearing_s = clearing_s
        self._wind, self._flames = wind, flames
        self._rng = rng
        self._foot = np.array([wide / 2, 0.0, deep / 2])
        self._fires = [
            _Fire(rng.normal() * 0.13, rng.normal() * 0.08, rng.uniform(0.025, 0.0575), 9 * u)
            for u in rng.random(_FIRES)
        ]
        self._debris = [self._new_debris() for _ in range(_DEBRIS)]

    def _new_debris(self) -> _Debris:
        rng = self._rng
        angle, rise = rng.uniform(0, 2 * math.pi), rng.uniform(0.5, 1.25)
        speed = rng.uniform(0.56, 1.31)
        level = math.cos(rise) * speed
        fly = [math.cos(angle) * level, math.sin(rise) * speed * 1.05, math.sin(angle) * level / 2]
        start = np.array([0.0, 0.06, 0.0])
        return _Debris(start, np.array(fly), rng.uniform(0.015, 0.025), rng.uniform(0.7, 1.3))

    def _ball(self, at: Vector, radius: float, heat: float, soot: float, speed: Vector) -> None:
        put_ball(
            self.fluid.state,
            self._foot + at * self.cells,
            max(1.2, radius * self.cells),
            heat,
            soot,
            speed * self.cells,
        )

    def start(self, watch: Watch) -> None:  # noqa: ARG002 -- fires need it to run up
        """Ignite: kernels of burning fuel, and a kick that drives them apart."""
        rng = self._rng
        for _ in range(_KERNELS):
            angle, out, rise = rng.uniform(0, 2 * math.pi), rng.uniform(0, 0.1), rng.uniform(0, 0.1)
            at = np.array([math.cos(angle) * out * 1.3, 0.0375 + rise, math.sin(angle) * out])
            put_ball(
                self.fluid.state,
                self._foot + at * self.cells,
                rng.uniform(0.02, 0.0525) * self.cells,
                rng.uniform(1.1, 2.5),
                rng.uniform(0.15, 1.1),
            )
        self._kick()

    def _kick(self) -> None:
        """Drive gas outwards, unevenly: fingers and cauliflower, not a dome."""
        rng, state = self._rng, self.fluid.state
        nz, ny, nx, _ = state.shape
        zz, yy, xx = np.mgrid[0:nz, 0:ny, 0:nx].astype(np.float32)
        centre = self._foot + np.array([0.0, 3.0, 0.0])
        offset = np.stack([xx - centre[0], yy - centre[1], zz - centre[2]]).astype(np.float32)
        distance = np.sqrt((offset**2).sum(axis=0)) + np.float32(1e-3)
        away = offset / distance
        lobes = np.zeros_like(distance)
        for _ in range(_LOBES):
            towards = rng.normal(size=3)
            towards[1] = abs(towards[1]) * 1.1
            towards = (towards / np.linalg.norm(towards)).astype(np.float32)
            sharp = np.float32(rng.uniform(14, 46))
            narrow = np.exp((np.tensordot(towards, away, 1) - 1) * sharp)
            lobes += np.float32(rng.uniform(0.4, 1.0)) * narrow
        near = np.exp(-((distance / (0.156 * self.cells)) ** 2))
        push = near * (np.float32(0.45) + np.float32(0.62) * lobes) * (_KICK * self.cells)
        noise = noise_cube(int(rng.integers(1 << 30)))
        z, y, x = ((grid * 0.8).astype(np.intp) % SIZE for grid in (zz, yy, xx))
        twist = noise[z, y, x] * (near * np.float32(_TWIST * self.cells))[..., None]
        state[..., 0] += push * away[0] * np.float32(1.3) + twist[..., 0]
        up = np.maximum(yy - 1, 0) / distance
        state[..., 1] += push * up * np.float32(1.1) + np.maximum(twist[..., 1], -2)
        state[..., 2] += push * away[2] + twist[..., 2]

    def feed(self, time_s: float, dt: float) -> None:
        """Move the debris on and feed its trails and the fires on the ground."""
        te = time_s - self.begin_s
        if te < 3:
            for piece in self._debris:
                self._fly(piece, te, dt)
        late = self._clearing_s
        burning = smooth(0.25, 0.9, te) * (1 - smooth(late - 0.5, late + 0.35, time_s))
        if self._flames * burning > 0.02:
            for fire in self._fires:
                self._lick(fire, time_s, self._flames * burning)

    def _fly(self, piece: _Debris, te: float, dt: float) -> None:
        if piece.at[1] <= 0.006:
            return
        piece.speed[1] -= 0.775 * dt
        piece.speed *= 1 - 0.35 * dt
        piece.at = piece.at + piece.speed * dt
        if piece.at[1] < 0.0125:
            piece.at[1] = 0.0125
            piece.speed *= np.array([0.5, -0.25, 0.5])
        if te > 0.07:
            heat = piece.heat * max(0.0, 1 - te / 1.6)
            soot = 0.55 * max(0.0, 1 - te / 2.4)
            self._ball(piece.at, piece.radius, heat, soot, piece.speed * 0.25)

    def _lick(self, fire: _Fire, time_s: float, much: float) -> None:
        """Feed one fire: three small flames that wander."""
        rng, t, p = self._rng, time_s, fire.phase
        flicker = 0.8 + 0.2 * math.sin(9 * t + p) * math.sin(5.3 * t + 2 * p)
        for n in range(3):
            dx = fire.radius * 0.8 * math.sin(2.1 * t + p + 2.1 * n)
            dz = fire.radius * 0.5 * math.cos(1.7 * t + 1.3 * p + 2 * n)
            stray = rng.normal(size=4) * np.array([0.006, 0.006, 0.0625, 0.0625])
            rise = 0.015 + 0.0125 * rng.random()
            at = np.array([fire.x + dx + stray[0], rise, fire.z + dz + stray[1]])
            speed = np.array([stray[2], 0.325 + 0.125 * rng.random(), stray[3]])
            heat = (1.25 + 0.5 * rng.random()) * flicker * min(1.0, much + 0.2)
            self._ball(at, fire.radius * 0.42 * (0.5 + 0.6 * much), heat, 0.03, speed)

    def pieces(self, time_s: float) -> int:
        """Return 2 during the first 0.3 s, when gas moves many cells a frame."""
        return 2 if time_s - self.begin_s < 0.3 else 1

    def relax(self, time_s: float) -> float:
        """Return less at first: texture carried through the blast is drawn out into rings."""
        return 0.62 + 0.31 * smooth(0.1, 1.1, time_s - self.begin_s)

    def physics(self, time_s: float) -> Physics:
        """Return how the gas behaves: violent, then rising, at last thinning out."""
        te = time_s - self.begin_s
        out = smooth(self._clearing_s, self.end_s - 0.15, time_s)
        u = self.cells
        return Physics(
            buoyancy=(0.5 + 0.25 * math.exp(-te / 0.8)) * u,
            weight=0.015 * u,
            swirl=(0.11 + 0.15 * math.exp(-te / 0.35)) * u,
            wind_x=(0.05 + 0.35 * self._wind) * u,
            drag=0.25 + 1.6 * math.exp(-te / 0.25),
            cool=0.75 + 0.55 * smooth(0.45, 1.5, te) + 9 * smooth(0, 0.5, out),
            soot_loss=0.16 + 2.8 * out,
            soot=1.15 * (1 - out),
            swell=26 if te < 0.16 else 1.2,
            swell_above=0.9,
        )
