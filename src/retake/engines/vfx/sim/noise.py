"""Tileable noise that gives the coarse fluid its fine structure."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

SIZE = 64
"""Edge of the noise cube; a power of two, since kernels wrap by masking."""


@lru_cache(maxsize=2)
def noise_cube(seed: int, slope: float = 2.7) -> NDArray[np.float32]:
    """Return a periodic cube ``[64, 64, 64, 3]`` of three independent noises, each ~N(0, 1).

    Wavelengths run from 2.8 to 32 cells; amplitude falls with frequency to the power of `slope`.
    The array is shared between callers and read-only.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    full = np.fft.fftfreq(SIZE) * SIZE
    kz, ky, kx = np.meshgrid(full, full, np.fft.rfftfreq(SIZE) * SIZE, indexing="ij")
    k = np.sqrt(kx**2 + ky**2 + kz**2)
    k[0, 0, 0] = 1
    amplitude = np.where((k >= 2.0) & (k < SIZE * 0.36), k**-slope, 0)
    out = np.empty((SIZE, SIZE, SIZE, 3), np.float32)
    for channel in range(3):
        white = np.fft.rfftn(rng.standard_normal((SIZE, SIZE, SIZE)))
        shaped = np.fft.irfftn(white * amplitude, s=(SIZE, SIZE, SIZE), axes=(0, 1, 2))
        out[..., channel] = shaped / shaped.std()
    out.flags.writeable = False
    return out
