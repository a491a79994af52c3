"""Guessing depth from a picture's layout: good enough for haze and for what hides what.

Near is what hangs together with the picture's lower edge (distances that grow at outlines,
`spread`), what stands low, what is sharp and dark; far is what is pale, and the sky.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from retake.engines.vfx.scene.spread import FAR, spread


def depth_of(
    preview: NDArray[np.uint8],
    sky: NDArray[np.float32],
    matte: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Return how far each pixel of a small RGB picture is, ``[h, w]`` float32, 0 near .. 1 far.

    Args:
        preview: The picture.
        sky: Its sky, same size.
        matte: Where people stand in front, any size; None when there are none.
    """
    h, w = sky.shape
    soft = cv2.GaussianBlur(preview.astype(np.float32) / 255, (0, 0), 0.8)
    picture = np.asarray(soft, np.float32)
    seeds = np.full((h, w), FAR, np.float32)
    seeds[-1] = 0
    apart = spread(picture, seeds, 0.5 / h, 0.35)
    apart /= max(float(np.percentile(apart[sky < 0.5], 96)) if (sky < 0.5).any() else 0, 1e-3)
    up = np.linspace(1, 0, h, dtype=np.float32)[:, None]
    pale = cv2.erode(preview.min(2), np.ones((5, 5), np.uint8)).astype(np.float32) / 255
    depth = 0.5 * np.clip(apart, 0, 1) + 0.32 * up**0.8 + 0.18 * pale
    depth = np.maximum(cv2.medianBlur(depth.astype(np.float32), 5), sky)
    if matte is not None:
        depth *= 1 - 0.85 * cv2.resize(matte, (w, h), interpolation=cv2.INTER_AREA)
    return np.clip(depth, 0, 1)
