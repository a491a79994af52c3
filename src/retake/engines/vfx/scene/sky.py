"""Finding the sky: bright or blue, smooth, and joined to an upper edge of the picture."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from retake.engines.vfx.scene.spread import FAR, spread

_SMALLEST_SHARE = 0.015

Values = NDArray[np.floating[Any]]


def sky_of(preview: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return how much each pixel of a small RGB picture is sky, ``[h, w]`` float32, 0..1.

    All zero when no believable sky is in it.
    """
    soft = cv2.GaussianBlur(preview.astype(np.float32) / 255, (0, 0), 0.6)
    picture = np.asarray(soft, np.float32)
    likely = _colour(picture) * _smooth(picture)
    h, w = likely.shape
    seeds = np.full((h, w), FAR, np.float32)
    for edge in (np.s_[0], np.s_[: h * 2 // 5, 0], np.s_[: h * 2 // 5, -1]):
        seeds[edge] = np.where(likely[edge] > 0.35, 0, FAR)
    # Clouds are soft, outlines are not: small changes are free.
    reach = spread(picture, seeds, 0.002, 1.0)
    joined = np.clip((1.5 - reach) / 0.6, 0, 1)
    found = joined * np.clip((likely - 0.15) / 0.35, 0, 1)
    sky = np.asarray(cv2.medianBlur((found * 255).astype(np.uint8), 5), np.float32) / np.float32(
        255
    )
    if float(sky.mean()) < _SMALLEST_SHARE:
        return np.zeros((h, w), np.float32)
    return sky


def _colour(picture: NDArray[np.float32]) -> Values:
    """Return how much a colour could be sky's: bright, bluish or, at night, dark and even."""
    red, green, blue = picture[..., 0], picture[..., 1], picture[..., 2]
    luma = picture @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    top = max(float(np.percentile(luma[: max(1, len(luma) // 3)], 80)), 0.05)
    bright = np.clip((luma / max(top, 0.3) - 0.45) / 0.35, 0, 1)
    # Leaves are green, walls and skin yellow; a sky has at least as much blue, unless it is white.
    cold = np.clip((blue - np.maximum(green, 0.86 * red)) / 0.08 + 0.6, 0, 1)
    white = np.clip((luma - 0.62) / 0.15, 0, 1) * np.clip((blue / (red + 1e-3) - 0.6) / 0.15, 0, 1)
    dark = np.clip((0.42 - luma) / 0.1, 0, 1) * np.clip((0.45 - top) / 0.1, 0, 1)
    day = bright * np.maximum(cold, white)
    return np.maximum(day, dark * np.clip((blue - 0.9 * np.maximum(red, green)) / 0.03, 0, 1))


def _smooth(picture: NDArray[np.float32]) -> Values:
    """Return how free of fine detail the surroundings of each pixel are, 0..1."""
    grey = picture.mean(2)
    detail = cv2.blur(np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 1.6)), (5, 5))
    return np.clip(1.25 - detail / 0.03, 0, 1)
