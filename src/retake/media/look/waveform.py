"""A stretch of sound as a picture."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_BRIGHTEN = 0.6
"""Exponent of the vertical scale: quiet sound stays visible beside loud sound."""


def peaks_of(samples: NDArray[np.float32], columns: int) -> NDArray[np.float64]:
    """Return the highest and the effective value in each of so many equal stretches.

    Args:
        samples: ``[channels, samples]``.
        columns: How many stretches.

    Returns:
        ``[2, columns]``: peak and root mean square over all channels.
    """
    edges = np.linspace(0, samples.shape[1], columns + 1).astype(int)
    peak = np.abs(samples).max(axis=0, initial=0).astype(np.float64)
    power = np.concatenate([[0.0], np.cumsum(np.mean(samples.astype(np.float64) ** 2, axis=0))])
    out = np.zeros((2, columns))
    for column, (start, end) in enumerate(pairwise(edges)):
        if end > start:
            out[0, column] = peak[start:end].max()
            out[1, column] = np.sqrt((power[end] - power[start]) / (end - start))
    return out


def draw_waveform(
    peaks: NDArray[np.float64],
    loudest: float,
    height: int,
    colours: NDArray[np.uint8],
    background: tuple[int, int, int],
) -> Image.Image:
    """Return a symmetric waveform, one pixel column for each of `peaks`.

    Args:
        peaks: What `peaks_of` returned.
        loudest: The value that fills the height.
        height: Rows.
        colours: RGB of each column ``[columns, 3]``: full for the effective value, half for peaks.
        background: RGB of everything else.
    """
    scaled = np.clip(peaks / max(loudest, 1e-6), 0, 1) ** _BRIGHTEN * (height / 2 - 1)
    distance = np.abs(np.arange(height) - (height - 1) / 2)[:, None]
    # A hairline stays where there is silence, and edges are softened over one pixel.
    cover = np.clip(np.maximum(scaled, 0.5)[:, None, :] + 0.5 - distance[None], 0, 1)
    alpha = np.maximum(cover[1], 0.45 * cover[0])[..., None]
    ground = np.array(background, np.float64)
    mixed = ground * (1 - alpha) + colours[None].astype(np.float64) * alpha
    return Image.fromarray(np.rint(mixed).astype(np.uint8))
