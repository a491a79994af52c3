"""Putting heat, soot and speed into the fluid."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from retake.engines.vfx.sim.fluid import State

Vector = tuple[float, float, float] | NDArray[np.float64]


def put_ball(
    state: State,
    at: Vector,
    radius: float,
    heat: float,
    soot: float,
    velocity: Vector | None = None,
) -> None:
    """Raise heat and soot inside a soft ball to at least the given values.

    Args:
        state: The fluid's state, changed in place.
        at: Centre x, y, z in cells.
        radius: In cells; the rim is a quarter of it, outside.
        heat: Temperature in the ball's core.
        soot: Soot in the ball's core.
        velocity: u, v, w in cells a second that the core takes on; None leaves it as it is.
    """
    x, y, z = (float(value) for value in at)
    reach = math.ceil(radius * 1.25) + 1
    nz, ny, nx, _ = state.shape
    spans = [
        (max(int(c) - reach, 0), min(int(c) + reach + 1, n))
        for c, n in zip((z, y, x), (nz, ny, nx), strict=True)
    ]
    if any(start >= stop for start, stop in spans):
        return
    part = state[tuple(slice(*span) for span in spans)]
    zz, yy, xx = np.ogrid[tuple(slice(*span) for span in spans)]
    distance = np.sqrt((xx - x) ** 2 + (yy - y) ** 2 + (zz - z) ** 2) / radius
    core = (np.clip(1.25 - distance, 0, 0.5) * 2).astype(np.float32)
    np.maximum(part[..., 3], np.float32(heat) * core, out=part[..., 3])
    np.maximum(part[..., 4], np.float32(soot) * core, out=part[..., 4])
    if velocity is not None:
        mix = core[..., None]
        part[..., :3] = part[..., :3] * (1 - mix) + np.asarray(velocity, np.float32) * mix
