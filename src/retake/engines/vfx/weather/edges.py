"""Pulling a rough mask of the sky tight to the outlines of what stands before it."""

from __future__ import annotations

import cv2
import numpy as np

from retake.engines.vfx.weather.plate import Field

_SURE = 0.5


def tighten(sky: Field, light: Field) -> Field:
    """Return `sky`, ``[h, w]`` 0..1, with its border where the colours change.

    In a band around the rough border every pixel is told apart by how near its colour is to the
    sky's and to the other side's, both taken from close by: a closed form of what a keyer does.

    Args:
        sky: The rough mask.
        light: The picture's linear light, ``[h, w, 3]``.
    """
    w = sky.shape[1]
    if not (sky > _SURE).any():
        return sky
    band = max(3, w // 28)
    box = (2 * band + 1, 2 * band + 1)
    colour = np.sqrt(light)
    inside = (sky > 0.9).astype(np.float32)
    # What lies farther out than the band is surely not sky, if the rough mask is any good.
    outside = 1 - cv2.dilate((sky > 0.1).astype(np.float32), np.ones((band, band), np.uint8))
    wide = (4 * band + 1, 4 * band + 1)
    near_sky = cv2.blur(inside, box)
    near_else = cv2.blur(outside, wide)
    ours = cv2.blur(colour * inside[..., None], box) / np.maximum(near_sky, 1e-4)[..., None]
    theirs = cv2.blur(colour * outside[..., None], wide) / np.maximum(near_else, 1e-4)[..., None]
    across = ours - theirs
    length = np.einsum("ijk,ijk->ij", across, across)
    share = np.einsum("ijk,ijk->ij", colour - theirs, across) / np.maximum(length, 1e-4)
    alpha = np.clip((share - 0.45) / 0.35, 0, 1)
    told = (near_sky > 0.02) & (near_else > 0.02) & (length > 0.006)
    told &= (inside == 0) & (outside == 0) | ((near_else > 0.2) & (inside > 0))
    return np.where(told, alpha, sky).astype(np.float32)
