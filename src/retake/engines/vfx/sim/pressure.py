"""The pressure that keeps mass: a Poisson equation solved exactly by fast transforms."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from retake.engines.vfx.rows import cores

Grid = NDArray[np.float32]


class PressureSolver:
    """Solves lap(p) = q on a box with p = 0 at its sides and top and a solid floor.

    Sine transforms belong to the open sides, a cosine transform of type 4 to the floor (mirrored)
    and the open top together.

    Args:
        nz, ny, nx: Cells of the box in depth, height and width.
    """

    def __init__(self, nz: int, ny: int, nx: int) -> None:
        z, y, x = (np.arange(n, dtype=np.float64) for n in (nz, ny, nx))
        lz = 2 * np.cos(np.pi * (z + 1) / nz) - 2
        ly = 2 * np.cos(np.pi * (2 * y + 1) / (2 * ny)) - 2
        lx = 2 * np.cos(np.pi * (x + 1) / nx) - 2
        eigenvalues = lz[:, None, None] + ly[None, :, None] + lx[None, None, :]
        self._inverse: Grid = (1 / eigenvalues).astype(np.float32)

    def solve(self, q: Grid) -> Grid:
        """Return p for the right-hand side `q`, both ``[nz, ny, nx]`` float32; `q` is lost."""
        options: dict[str, Any] = {"workers": cores(), "overwrite_x": True}
        g = fft.dst(q, 2, axis=2, **options)
        g = fft.dct(g, 4, axis=1, **options)
        g = cast(Grid, fft.dst(g, 2, axis=0, **options))
        g *= self._inverse
        g = fft.idst(g, 2, axis=0, **options)
        g = fft.idct(g, 4, axis=1, **options)
        return cast(Grid, np.ascontiguousarray(fft.idst(g, 2, axis=2, **options)))
