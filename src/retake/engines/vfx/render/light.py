"""How light reaches the smoke: from above through itself, and from its own fire."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from retake.engines.vfx.render.halving import halve
from retake.engines.vfx.rows import run_rows
from retake.engines.vfx.sim.fluid import State

_FAINT = 0.01
_SUN_X, _SUN_Z = 0.35, -0.25
_SELF_SHADOW = 0.5
_GLOW = 0.10
_FIRE_BLURS = ((1.2, 0.5), (2.5, 0.9), (5.0, 1.6))


@dataclass(frozen=True)
class Lit:
    """A fluid's light, ready for the march.

    Attributes:
        light: ``[nz/2, ny/2, nx/2, 2]``: how much of the sky's light arrives (0..1), and how
            much light of the fire itself.
        filled: ``[nz/2, ny/2, nx/2]`` uint8, odd sizes rounded up: 1 where there may be
            something to see, two cells around what there is included.
    """

    light: NDArray[np.float32]
    filled: NDArray[np.uint8]


def light_up(state: State, density: float) -> Lit | None:
    """Return how `state` is lit; None where there is nothing to see. `density`: opacity of soot."""
    nz, ny, nx, _ = state.shape
    half = (nz // 2, ny // 2, nx // 2)
    heat = np.empty(half, np.float32)
    soot = np.empty(half, np.float32)
    run_rows(halve, half[0], state, heat, soot)
    there = heat + soot > _FAINT
    if not there.any():
        return None
    odd = [(0, n % 2) for n in state.shape[:3]]
    filled = ndimage.maximum_filter(np.pad(there, odd, mode="edge"), size=3).astype(np.uint8)
    light = np.stack([_sky(soot, density * _SELF_SHADOW), _own_fire(heat)], axis=-1)
    return Lit(light, filled)


def _sky(soot: NDArray[np.float32], density: float) -> NDArray[np.float32]:
    """Return how much light arrives from above, by adding up soot along a slant."""
    depth = np.zeros_like(soot)
    above = np.zeros((soot.shape[0], soot.shape[2]), np.float32)
    slant = np.array([[1, 0, _SUN_X], [0, 1, _SUN_Z]], np.float32)
    size = (above.shape[1], above.shape[0])
    for y in range(soot.shape[1] - 1, -1, -1):
        above = cv2.GaussianBlur(cv2.warpAffine(above, slant, size), (0, 0), 0.6)
        depth[:, y] = above
        above = above + soot[:, y] * np.float32(2 * density)
    return np.exp(-depth)


def _own_fire(heat: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how much light of the fire arrives, as a sum of ever wider blurs."""
    near = np.clip(heat - 0.25, 0, None) ** 2
    out = np.zeros_like(near)
    if not near.any():
        return out
    for sigma, weight in _FIRE_BLURS:
        near = ndimage.gaussian_filter(near, sigma, truncate=2.5)
        out += np.float32(weight * _GLOW) * near
    return out
