"""Tileable clouds of noise, and windows that slide over them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from retake.engines.vfx.chance import generator

SIZE = 512
"""Edge of a tile."""


@lru_cache(maxsize=12)
def cloud_tile(seed: int, name: str, slope: float, coarsest: float) -> NDArray[np.float32]:
    """Return a periodic tile ``[512, 512]`` float32 with mean 0.5 and about all in 0..1.

    Args:
        seed: The request's seed.
        name: Tells tiles of one seed apart.
        slope: How quickly amplitude falls with frequency: 1.2 is rough, 1.9 billows.
        coarsest: Waves across the tile of the coarsest detail.
    """
    spectrum = np.fft.rfft2(generator(seed, name).standard_normal((SIZE, SIZE)))
    ky, kx = np.meshgrid(np.fft.fftfreq(SIZE) * SIZE, np.fft.rfftfreq(SIZE) * SIZE, indexing="ij")
    k = np.hypot(ky, kx)
    shape = np.where(k >= coarsest, np.maximum(k, 1) ** -slope, 0) * np.exp(-((k / 200) ** 2))
    tile = np.fft.irfft2(spectrum * shape, s=(SIZE, SIZE))
    tile = np.clip(0.5 + tile / tile.std() / 5, 0, 1).astype(np.float32)
    tile.flags.writeable = False
    return tile


def window(
    tile: NDArray[np.float32],
    size: tuple[int, int],
    scale: float,
    shift: tuple[float, float],
) -> NDArray[np.float32]:
    """Return a ``[h, w]`` view of an endless plane of `tile`.

    Args:
        tile: From `cloud_tile`.
        size: Width and height of the view.
        scale: Tile pixels per pixel of the view.
        shift: Tile pixels by which the view has moved right and down.
    """
    x = np.arange(size[0], dtype=np.float32) * np.float32(scale) + np.float32(shift[0] % SIZE)
    y = np.arange(size[1], dtype=np.float32) * np.float32(scale) + np.float32(shift[1] % SIZE)
    return sample(tile, np.broadcast_to(x, size[::-1]), np.broadcast_to(y[:, None], size[::-1]))


def sample(
    tile: NDArray[np.float32], x: NDArray[np.floating[Any]], y: NDArray[np.floating[Any]]
) -> NDArray[np.float32]:
    """Return `tile`, endlessly repeated, at the points (x, y), float32 in tile pixels."""
    # Reduced first: OpenCV's fixed-point coordinates end at 32768.
    wrapped_x, wrapped_y = np.mod(x, np.float32(SIZE)), np.mod(y, np.float32(SIZE))
    flat = cv2.remap(
        tile,
        np.ascontiguousarray(wrapped_x, np.float32),
        np.ascontiguousarray(wrapped_y, np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_WRAP,
    )
    return np.asarray(flat, np.float32)
