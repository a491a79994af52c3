"""The colours of fire."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEVELS = 1024
HOTTEST = 2.6
"""The palette covers temperatures 0 .. HOTTEST in LEVELS steps."""


def fire_palette(tint: tuple[float, float, float] | None = None) -> NDArray[np.float32]:
    """Return linear, HDR RGB for each temperature, ``[LEVELS, 3]``.

    Deep red, orange, yellow, then white-hot: steeper exponents for green and blue follow the
    order, not the physics, of a black body. With a `tint` (linear RGB 0..1) fire has that colour
    and still turns white where it is hottest.
    """
    heat = np.linspace(0, HOTTEST, LEVELS)
    e = np.clip((heat - 0.16) / 0.9, 0, None)
    natural = np.stack([2.1 * e**1.35, 0.80 * e**2.15, 0.16 * e**3.6], axis=1)
    if tint is None:
        return natural.astype(np.float32)
    bright = natural @ np.array([0.45, 0.45, 0.1])
    colour = np.asarray(tint, np.float64)
    colour = colour / max(float(colour.max()), 1e-3)
    white = (np.clip((heat - 0.9) / 1.2, 0, 1) * 0.7)[:, None]
    tinted = bright[:, None] * (1.9 * colour * (1 - white) + white)
    return tinted.astype(np.float32)
