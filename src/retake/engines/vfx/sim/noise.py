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


@lru_cache(maxsize=1)
def even_grain(seed: int) -> NDArray[np.float32]:
    """Return tileable blue noise ``[64, 64]``, evenly spread over 0..1; shared and read-only.

    Neighbours differ as much as they can, so what it jitters averages out over few pixels. Made
    by taking the coarse part off white noise and spreading the ranks evenly, a few times over.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    grain = rng.random((SIZE, SIZE))
    k = np.fft.fftfreq(SIZE)
    low = np.exp(-(k[:, None] ** 2 + k[None, :] ** 2) * (2 * np.pi * 1.5) ** 2 / 2)
    for _ in range(12):
        fine = grain - np.fft.ifft2(np.fft.fft2(grain) * low).real
        ranks = np.empty(grain.size)
        ranks[np.argsort(fine, axis=None, kind="stable")] = np.arange(grain.size)
        grain = (ranks.reshape(grain.shape) + 0.5) / grain.size
    out = grain.astype(np.float32)
    out.flags.writeable = False
    return out
