"""Shafts of light: what is bright, smeared away from the sun."""

from __future__ import annotations

import cv2
import numpy as np

from retake.engines.vfx.weather.plate import Field

_DOUBLINGS = 5
_REACH = 0.022


def shafts(source: Field, x: float, y: float) -> Field:
    """Return `source` smeared outwards from (`x`, `y`), in its own pixels.

    Each pass mixes the picture with itself, enlarged about the sun twice as far as before, which
    gives the mean of 32 samples along each ray for the price of 5.
    """
    h, w = source.shape
    smeared = np.asarray(source, np.float32)
    for doubling in range(_DOUBLINGS):
        scale = 1 + _REACH * 2**doubling
        grow = np.array([[scale, 0, x * (1 - scale)], [0, scale, y * (1 - scale)]], np.float64)
        moved = cv2.warpAffine(smeared, grow, (w, h), borderMode=cv2.BORDER_REPLICATE)
        smeared = 0.5 * smeared + 0.5 * np.asarray(moved, np.float32)
    return smeared
