"""The volume march: looks through the fluid, from front to back, for every pixel of a buffer.

Fire is a source (its colour is a palette of its temperature), soot absorbs and scatters the sky's
light and the fire's own. The coarse fluid gets its fine structure from noise that travels with the
gas: it displaces what is looked up and eats away thin edges, so cores stay and rims break up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retake.engines.vfx.render.light import Lit
from retake.engines.vfx.render.look import Look
from retake.engines.vfx.render.marching import march_rows
from retake.engines.vfx.render.palette import HOTTEST
from retake.engines.vfx.rows import run_rows
from retake.engines.vfx.sim.fluid import State


@dataclass(frozen=True, slots=True)
class View:
    """How the box of the fluid is seen: a slight perspective, looking a little down.

    Attributes:
        columns, rows: Half-open ranges of the whole view's pixels that are looked at.
        cells: Cells a pixel.
        middle: Cells from the view's left edge to the foot.
        top: Height of the view's upper edge above the floor, in cells.
    """

    columns: tuple[int, int]
    rows: tuple[int, int]
    cells: float
    middle: float
    top: float


PERSPECTIVE = 0.0016
PITCH = 0.16
STRIDE = 1.8
"""Cells from one sample of a ray to the next."""


def view_of(state: State, pixels_per_cell: float) -> View:
    """Return the view of the whole box, the near part of the floor below y = 0 too."""
    nz, ny, nx, _ = state.shape
    width = max(2, math.ceil(nx * pixels_per_cell))
    height = max(2, math.ceil((ny + nz / 2 * PITCH) * pixels_per_cell))
    return View((0, width), (0, height), 1 / pixels_per_cell, nx / 2, float(ny))


def march(
    state: State,
    lit: Lit,
    look: Look,
    view: View,
    noise: NDArray[np.float32],
    palette: NDArray[np.float32],
    jitter: NDArray[np.float32],
    tau: float = 0.0,
    glow: float = 1.0,
    thin: float = 0.0,
    risen: float = 0.0,
    fray: float = 2.4,
) -> NDArray[np.float32]:
    """Return what is seen: ``[height, width, 4]``, premultiplied linear RGBA, HDR.

    Args:
        state: The fluid.
        lit: Its light.
        look: How it looks.
        view: From where.
        noise: As from `sim.noise.noise_cube`.
        palette: As from `palette.fire_palette`.
        jitter: ``[64, 64]`` in 0..1: where in its cell each ray starts; turns steps into grain.
        tau: Seconds since the state was made; the gas has moved on by as much.
        glow: 1 for fire in full; towards 0 heat is no longer seen.
        thin: 0 for smoke as it is; towards 1 and beyond, thin smoke is eaten away.
        risen: Cells by which the noise has been carried upwards as a whole.
        fray: Height in cells below which gas frays where it meets the ground.
    """
    numbers = np.array(
        [
            *(view.cells, view.top, view.columns[0], PERSPECTIVE, PITCH, tau),
            *(look.displace, look.frequency, look.frequency * look.stretch, look.erode),
            *(look.flicker, look.fine, look.density, look.flame),
            *(look.bright, (len(palette) - 1) / HOTTEST, glow, thin),
            *(view.rows[0], STRIDE, risen, fray),
        ],
        np.float32,
    )
    colours = np.array([look.ambient, look.sky, look.fire, look.albedo, look.dust], np.float32)
    height, width = (stop - start for start, stop in (view.rows, view.columns))
    out = np.empty((height, width, 4), np.float32)
    run_rows(
        march_rows,
        height,
        state.shape,
        state.reshape(-1),
        lit.light.reshape(-1),
        lit.filled.reshape(-1),
        noise.reshape(-1),
        palette,
        jitter,
        numbers,
        colours,
        out,
    )
    return out
