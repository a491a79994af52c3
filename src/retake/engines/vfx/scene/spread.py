"""Distances that grow where colours change: how regions of a small picture hang together."""

from __future__ import annotations

import numba as nb
import numpy as np
from numpy.typing import NDArray

_SWEEPS = 4
FAR = np.float32(1e6)
"""Farther than any distance inside a small picture."""


def spread(
    picture: NDArray[np.float32],
    seeds: NDArray[np.float32],
    per_step: float,
    per_change: float,
) -> NDArray[np.float32]:
    """Return for every pixel the length of the cheapest path to a seed, ``[h, w]`` float32.

    A step to a neighbour costs `per_step` plus `per_change` times the change of colour on it, so
    that distances stay small inside one thing and jump at its outline.

    Args:
        picture: ``[h, w, 3]`` float32, 0..1.
        seeds: Where paths begin: the distance to start with there, `FAR` elsewhere.
        per_step: Cost of a step of one pixel.
        per_change: Cost of a change of 1 in one channel.
    """
    distance = np.ascontiguousarray(seeds, np.float32).copy()
    _sweep(picture, distance, np.float32(per_step), np.float32(per_change), _SWEEPS)
    return distance


@nb.njit(cache=True, error_model="numpy", nogil=True)
def _sweep(picture, distance, per_step, per_change, sweeps):  # noqa: ANN001, ANN202  # pyright: ignore
    # Raster sweeps in alternating directions (Toivanen 1996): a few reach what matters.
    h, w = distance.shape
    for sweep in range(sweeps):
        down = sweep % 2 == 0
        for row in range(h):
            y = row if down else h - 1 - row
            back = y - 1 if down else y + 1
            for column in range(w):
                x = column if down else w - 1 - column
                side = x - 1 if down else x + 1
                best = distance[y, x]
                for k in range(4):
                    ny = y if k == 0 else back
                    nx = side if k == 0 else x + k - 2
                    if ny < 0 or ny >= h or nx < 0 or nx >= w:
                        continue
                    change = np.float32(0)
                    for c in range(3):
                        change += abs(picture[y, x, c] - picture[ny, nx, c])
                    length = distance[ny, nx] + per_step + per_change * change
                    best = min(best, length)
                distance[y, x] = best
