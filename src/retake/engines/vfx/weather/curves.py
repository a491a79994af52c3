"""From display-referred codes to light and back, by table."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

STEPS = 4096
LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Rec. 709 weights, for light and, near enough, for codes."""


def to_light(code: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return linear light 0..1 of sRGB codes 0..1 (IEC 61966-2-1)."""
    low = code / 12.92
    return np.where(code <= 0.04045, low, ((code + 0.055) / 1.055) ** 2.4).astype(np.float32)


def to_code(light: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return sRGB codes 0..1 of linear light 0..1."""
    high = 1.055 * np.power(np.maximum(light, 1e-9), 1 / 2.4) - 0.055
    return np.where(light <= 0.0031308, light * 12.92, high).astype(np.float32)


_GRID = np.arange(STEPS + 2, dtype=np.float64) / STEPS

LIGHT = to_light(_GRID)
"""Light of the code ``k / 4096``; one entry more than needed, for interpolation."""

CODE_OF_ROOT = (to_code(_GRID**2) * 65535).astype(np.float32)
"""16-bit code of the light whose square root is ``k / 4096``: even steps to the eye."""


def toned(contrast: float, pivot: float = 0.18) -> NDArray[np.float32]:
    """Return `LIGHT` with a contrast of ``1 + contrast`` about `pivot`; 0 leaves it as it is."""
    if contrast == 0:
        return LIGHT
    light = LIGHT.astype(np.float64)
    return (np.power(np.maximum(light, 1e-9) / pivot, 1 + contrast) * pivot).astype(np.float32)
