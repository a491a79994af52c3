"""Sparks and shards that an explosion throws: ballistic, drawn as they blur in one frame."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from retake.engines.vfx.render.stand import Stand

_SHUTTER = 0.55
_FIXED = 4
_ONE = 1 << _FIXED
_FAINT = 6

Points = NDArray[np.float64]


@dataclass
class _Flight:
    """Things in flight: positions and speeds in units, x to the right, y upwards."""

    at: Points
    speed: Points
    drag: float
    weight: float

    def advance(self, dt: float) -> Points:
        """Move on by `dt` seconds; return where things were when the shutter opened."""
        before = self.at
        fell = self.speed - np.array([0.0, self.weight * dt])
        self.speed = fell * np.exp(-self.drag * dt)
        self.at = before + self.speed * dt
        return self.at + (before - self.at) * _SHUTTER


class Sparks:
    """Glowing sparks. Most fly behind the smoke and are hidden by it."""

    def __init__(self, rng: np.random.Generator, count: int, strength: float) -> None:
        angle = rng.uniform(0, 2 * np.pi, count)
        rise = np.arcsin(rng.uniform(0.05, 1, count))
        speed = rng.gamma(2.2, 0.62, count) * (0.7 + 0.5 * strength)
        fly = np.stack([np.cos(angle) * np.cos(rise) * speed, np.sin(rise) * speed], axis=1)
        start = rng.normal(0, 0.02, (count, 2)) + np.array([0.0, 0.04])
        self._flight = _Flight(start, fly, 1.9, 0.75)
        self._life = rng.gamma(3, 0.36, count)
        self._bright = rng.beta(1.2, 2.2, count) + 0.08
        self._behind = rng.random(count) < 0.75

    def draw(
        self,
        te: float,
        dt: float,
        size: tuple[int, int],
        stand: Stand,
        buffer: NDArray[np.float32],
        to_buffer: NDArray[np.float32],
        fade: float,
    ) -> NDArray[np.uint8]:
        """Advance by `dt` and return brightness ``[H, W]`` uint8; ``[1, 1]`` when all are out.

        Args:
            te: Seconds since ignition.
            dt: Seconds since the last frame.
            size: Width and height of the picture.
            stand: Where the foot is.
            buffer: The smoke, as in `compose.Plate`.
            to_buffer: Its place, as in `compose.Plate`.
            fade: 1 in full, 0 gone.
        """
        opened = self._flight.advance(dt)
        glow = np.clip((1 - te / self._life) * 1.5, 0, 1)
        glow[self._flight.at[:, 1] < -0.06] = 0
        level = 255 * glow * self._bright * fade
        if not (level > _FAINT).any():
            return np.zeros((1, 1), np.uint8)
        start, end = _to_pixels(opened, stand), _to_pixels(self._flight.at, stand)
        level = level * (1 - np.minimum(1, 1.1 * _cover(start, buffer, to_buffer)) * self._behind)
        return _streaks(size, start, end, level, stand.unit)


class Shards:
    """Dark pieces of whatever stood there, drawn into the effect's own buffer."""

    def __init__(self, rng: np.random.Generator, count: int, strength: float) -> None:
        angle = rng.uniform(0, 2 * np.pi, count)
        rise = rng.uniform(0.35, 1.35, count)
        speed = rng.uniform(0.7, 1.9, count) * (0.7 + 0.5 * strength)
        fly = np.stack([np.cos(angle) * np.cos(rise) * speed, np.sin(rise) * speed], axis=1)
        self._flight = _Flight(rng.normal(0, 0.015, (count, 2)), fly, 0.25, 1.5)
        self._size = 0.0016 * rng.uniform(1.0, 3.0, count) ** 1.3

    def draw(
        self,
        te: float,
        dt: float,
        stand: Stand,
        buffer: NDArray[np.float32],
        to_buffer: NDArray[np.float32],
    ) -> None:
        """Advance by `dt` and put the shards behind what is in `buffer`, in place."""
        opened = self._flight.advance(dt)
        up = (self._flight.at[:, 1] > -0.03) & (self._flight.at[:, 1] < 2)
        if te < 0.04 or te > 2.6 or not up.any():
            return
        mask = np.zeros(buffer.shape[:2], np.uint8)
        start = _into(_to_pixels(opened, stand), to_buffer)
        end = _into(_to_pixels(self._flight.at, stand), to_buffer)
        pixel = stand.unit * float(to_buffer[0])
        for k in np.flatnonzero(up):
            thick = max(1, round(float(self._size[k]) * pixel))
            a, b = _fixed(start[k]), _fixed(end[k])
            cv2.line(mask, a, b, 215, thick, cv2.LINE_AA, _FIXED)
        cover = (mask.astype(np.float32) * np.float32(1 / 255))[..., None]
        dark = np.array([0.012, 0.010, 0.009, 1.0], np.float32)
        buffer += (1 - buffer[..., 3:4]) * cover * dark


def _to_pixels(points: Points, stand: Stand) -> Points:
    return np.array([stand.x, stand.y]) + points * np.array([stand.unit, -stand.unit])


def _into(points: Points, to_buffer: NDArray[np.float32]) -> Points:
    a = to_buffer.astype(np.float64)
    return points * a[[0, 2]] + a[[1, 3]]


def _cover(points: Points, buffer: NDArray[np.float32], to_buffer: NDArray[np.float32]) -> Points:
    """Return the opacity of the smoke at each point; 0 outside the buffer."""
    at = _into(points, to_buffer)
    h, w = buffer.shape[:2]
    inside = (at >= 0).all(axis=1) & (at[:, 0] < w) & (at[:, 1] < h)
    x, y = (np.where(inside, at[:, c], 0).astype(np.intp) for c in (0, 1))
    return np.where(inside, buffer[y, x, 3], 0.0)


def _fixed(point: Points) -> tuple[int, int]:
    clipped = np.clip(point, -30000, 30000)
    return int(clipped[0] * _ONE), int(clipped[1] * _ONE)


def _streaks(
    size: tuple[int, int], start: Points, end: Points, level: Points, unit: float
) -> NDArray[np.uint8]:
    width, height = size
    out = np.zeros((height, width), np.uint8)
    wide = max(1, round(unit / 900))
    # Faint ones first: where two cross, the brighter one stays on top.
    for k in np.argsort(level, kind="stable"):
        if level[k] > _FAINT:
            thick = wide + 1 if k % 3 == 0 and unit > 1000 else wide
            a, b = _fixed(start[k]), _fixed(end[k])
            cv2.line(out, a, b, int(level[k]), thick, cv2.LINE_AA, _FIXED)
    return out
