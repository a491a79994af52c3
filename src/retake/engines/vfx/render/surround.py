"""What an effect does to its surroundings: light, glow, heat haze, a pressure wave, shade.

All of it is soft, so it is worked out at a small size and put in by the compositor.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from retake.engines.vfx.effects.effect import Picture
from retake.engines.vfx.render.compose import FIELDS
from retake.engines.vfx.render.stand import Stand

_TALLEST = 270
_LIGHT = np.array([1.0, 0.47, 0.15], np.float32)
_FLASH = np.array([1.0, 0.62, 0.28], np.float32)
_BRIGHTEST = 5.0
_RELIEF = 6.0

Field = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Glare:
    """How strongly the effect acts on its surroundings in one frame.

    Attributes:
        power: Light on the scene; 1 doubles what is close by.
        flash: Further light of the first moments, over the whole picture.
        ring: Radius of the pressure wave in units; negative when there is none.
        ring_strength: Its displacement in units.
        haze: Heat haze, 0..1.
        shade: How dark the ground below the smoke gets, 0..1.
        fade: 1 in full, 0 gone.
        time_s: Moves the haze.
        tint: Linear RGB of the light.
    """

    power: float
    flash: float
    ring: float
    ring_strength: float
    haze: float
    shade: float
    fade: float
    time_s: float
    tint: tuple[float, float, float] | None = None


def small_size(width: int, height: int) -> tuple[int, int]:
    """Return width and height of the fields for a picture: a quarter, at most 270 rows or so."""
    factor = max(4.0 if height > 240 else 1.0, min(width, height) / _TALLEST)
    return max(8, round(width / factor)), max(8, round(height / factor))


def small_luma(picture: Picture) -> Field:
    """Return display-referred luma 0..1 at the small size."""
    h, w = picture.shape[:2]
    small = cv2.resize(picture, small_size(w, h), interpolation=cv2.INTER_AREA)
    weights = np.array([0.2126, 0.7152, 0.0722], np.float32) / 65535
    return np.asarray(small.astype(np.float32) @ weights, np.float32)


def surround(
    luma: Field, front: Field | None, glowing: Field, stand: Stand, scale: float, glare: Glare
) -> Field:
    """Return the compositor's field at the size of `luma`.

    Args:
        luma: As from `small_luma`.
        front: How much of a pixel stands before the effect, at the same size; None for nothing.
        glowing: The effect's own light there, ``[h, w, 3]`` linear.
        stand: The foot, in output pixels.
        scale: Output pixels a pixel of the field.
        glare: How strongly it acts.
    """
    h, w = luma.shape
    rows, columns = np.mgrid[0:h, 0:w].astype(np.float32)
    x = (stand.x / scale - 0.5 - columns) * np.float32(scale / stand.unit)
    y = (stand.y / scale - 0.5 - rows) * np.float32(scale / stand.unit)
    field = np.zeros((h, w, FIELDS), np.float32)
    _shine(field, luma, front, (x, y), glowing, glare)
    _bloom(field, glowing, (x, y), front, glare)
    _bend(field, glowing, (x, y), stand.unit, glare)
    return field


def _shine(
    field: Field,
    luma: Field,
    front: Field | None,
    offset: tuple[Field, Field],
    glowing: Field,
    glare: Glare,
) -> None:
    """Light what stands around: by distance, by the relief its shading suggests, rims in front."""
    x, y = offset
    height = _centre_height(glowing, y)
    # Ground before the fire is seen at a flat angle: a unit of it takes fewer rows.
    dy = np.where(y < 0, y * np.float32(1.9), y) - np.float32(height)
    d2 = x * x + dy * dy
    fall = np.float32((glare.power + glare.flash) * glare.fade * 0.26) / (d2 + np.float32(0.195))
    nx, ny = _relief(luma)
    inverse = 1 / np.sqrt(d2 + np.float32(0.095))
    facing = np.clip(0.62 + 1.3 * (nx * x * inverse + ny * dy * inverse), 0.1, 1.7)
    amount = fall * facing.astype(np.float32)
    if front is not None:
        # Light comes from behind people: their fronts stay dark, their outlines catch it.
        soft = cv2.GaussianBlur(front, (0, 0), max(0.8, luma.shape[0] * 0.012))
        rim = np.clip(front - soft, 0, 1) * np.float32(2.2)
        amount = amount * (1 - np.float32(0.86) * front) + fall * rim
    colour = _LIGHT if glare.tint is None else _tinted(glare.tint)
    field[..., :3] = amount[..., None] * colour
    if glare.shade > 0:
        spot = np.exp(-((x / 0.42) ** 2) - ((y + 0.03) / 0.10) ** 2) * np.float32(glare.shade)
        if front is not None:
            spot = spot * (1 - front)
        field[..., :3] -= (spot * np.float32(glare.fade))[..., None]


def _centre_height(glowing: Field, y: Field) -> float:
    """Return how high above its foot the light's centre is, in units, at most 0.6."""
    weight = glowing[..., 0]
    total = float(weight.sum())
    return 0.12 if total < 1e-3 else float(np.clip((weight * y).sum() / total, 0.04, 0.6))


def _bloom(
    field: Field,
    glowing: Field,
    offset: tuple[Field, Field],
    front: Field | None,
    glare: Glare,
) -> None:
    """Let bright parts bleed over the picture, as a lens does, in three widths."""
    h, w = glowing.shape[:2]
    bright = np.minimum(glowing, np.float32(_BRIGHTEST))
    coarse = cv2.resize(bright, (max(2, w // 4), max(2, h // 4)), interpolation=cv2.INTER_AREA)
    near = cv2.GaussianBlur(bright, (0, 0), h * 0.018)
    middle = cv2.resize(cv2.GaussianBlur(coarse, (0, 0), max(0.3, h * 0.02)), (w, h))
    wide = cv2.resize(cv2.GaussianBlur(coarse, (0, 0), max(0.3, h * 0.06)), (w, h))
    bloom = 0.06 * near + 0.07 * middle + 0.10 * wide
    x, y = offset
    veil = np.float32(glare.flash * glare.fade * 0.020) / (x * x + y * y + np.float32(0.05))
    bloom = bloom + veil[..., None] * _FLASH
    if front is not None:
        bloom = bloom * (1 - np.float32(0.55) * front)[..., None]
    field[..., 3:6] = bloom


def _bend(
    field: Field, glowing: Field, offset: tuple[Field, Field], unit: float, glare: Glare
) -> None:
    """Bend the light that passes hot air, and the ring of the pressure wave."""
    h = len(glowing)
    x, y = offset
    if glare.haze > 0:
        heat = cv2.GaussianBlur(glowing[..., 0], (0, 0), h * 0.05)
        heat = np.minimum(heat, 1.0) * np.float32(glare.haze * glare.fade * 0.0022 * unit)
        t = glare.time_s * 3.1
        field[..., 6] -= np.sin(-76 * y + 5 * t + np.sin(-23 * x + t)) * heat
        field[..., 7] -= np.cos(-88 * x + 6 * t + np.sin(-31 * y - 2 * t)) * heat
    if glare.ring >= 0 and glare.ring_strength > 0:
        distance = np.sqrt(x * x + (y * 1.15) ** 2) + np.float32(1e-4)
        width = 0.05 + 0.02 * glare.ring
        push = np.exp(-(((distance - glare.ring) / width) ** 2)) / distance
        push = push * np.float32(glare.ring_strength * unit)
        field[..., 6] -= push * x
        field[..., 7] -= push * y * np.float32(1.15)


def _relief(luma: Field) -> tuple[Field, Field]:
    """Return x and y of surface directions guessed from shading: a face lit by its own relief."""
    smooth = cv2.GaussianBlur(luma, (0, 0), 1.6)
    gx = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, ksize=3)
    gy = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, ksize=3)
    n = np.sqrt(1 + (_RELIEF * gx) ** 2 + (_RELIEF * gy) ** 2)
    return np.asarray(-_RELIEF * gx / n, np.float32), np.asarray(-_RELIEF * gy / n, np.float32)


def _tinted(tint: tuple[float, float, float]) -> NDArray[np.float32]:
    colour = np.asarray(tint, np.float32)
    return np.asarray(0.85 * colour / max(float(colour.max()), 1e-3) + 0.15 * _LIGHT, np.float32)


def shake_at(
    te: float, strength: float, noise: NDArray[np.float64], size: tuple[int, int]
) -> Field:
    """Return how the camera is knocked, ``[2, 3]``: output pixel -> pixel of the steady picture.

    Args:
        te: Seconds since the knock.
        strength: Shift in heights of the picture.
        noise: Three random numbers of this frame, ~N(0, 1): shift x, shift y, turn.
        size: Width and height of the picture.
    """
    width, height = size
    amount = strength * math.exp(-te / 0.45)
    turn = math.degrees(amount * 0.35 * float(noise[2]))
    m = cv2.getRotationMatrix2D((width / 2, height / 2), turn, 1 + amount * 0.6)
    m[:, 2] += noise[:2] * (amount * height * 0.6)
    return np.asarray(cv2.invertAffineTransform(m), np.float32)
