"""A closed sky: clouds on a plane overhead, seen in perspective and lit from the side."""

from __future__ import annotations

import cv2
import numpy as np

from retake.engines.vfx.chance import generator
from retake.engines.vfx.scene.scene import Scene
from retake.engines.vfx.weather.noise import cloud_tile, sample
from retake.engines.vfx.weather.plate import Field

_LOOK_UP = 0.55
_FAR = 0.045


def horizon_of(scene: Scene) -> float:
    """Return the row of the horizon for clouds, 0..1 of the height or more: below all sky."""
    rows = np.flatnonzero((scene.sky > 0.5).mean(1) > 0.02)
    lowest = float(rows[-1] + 1) / len(scene.sky) if len(rows) else 0.0
    return max(scene.ground, lowest + 0.12)


class Clouds:
    """Makes pictures of a closed sky.

    Args:
        size: Width and height of the fields to make.
        seed: The request's seed.
        wind: Which way they move, -1..1.
        billow: 0 (a flat grey cover) .. 1 (towering storm clouds).
    """

    def __init__(self, size: tuple[int, int], seed: int, wind: float, billow: float) -> None:
        self._size = size
        self._wind, self._billow = wind, billow
        self._coarse = cloud_tile(seed, "clouds", 1.75, 1.5)
        self._fine = cloud_tile(seed, "cloud wisps", 1.35, 4.0)
        self._start = generator(seed, "clouds at").uniform(0, 512, 2)

    def at(self, time_s: float, shift: tuple[float, float], horizon: float) -> tuple[Field, Field]:
        """Return how dense and how lit from the side the clouds are, ``[h, w]`` 0..1 each.

        Args:
            time_s: Clouds move and change slowly.
            shift: How far the picture has moved (right, down), in pixels of the fields.
            horizon: Row of the horizon, 0..1 of the height.
        """
        w = self._size[0]
        x, y = self._plane(shift, horizon)
        away = time_s * 14
        u = x + np.float32(self._start[0] - self._wind * away)
        v = y + np.float32(self._start[1] - away * 0.35)
        # Bending the coordinates by coarse noise turns fog into billows.
        bend = sample(self._coarse, u * 0.5 + 91, v * 0.5) - np.float32(0.5)
        u2, v2 = u + bend * np.float32(70), v - bend * np.float32(55)
        coarse = sample(self._coarse, u2, v2)
        fine = sample(self._fine, u2 * 1.9 + np.float32(3 * time_s), v2 * 1.9)
        density = 0.68 * coarse + 0.32 * fine
        toward = 0.68 * sample(self._coarse, u2 + 9, v2 - 9) + 0.32 * fine
        contrast = np.float32(0.5 + 1.6 * self._billow)
        lit = np.clip(0.5 + (density - toward) * 5 * contrast, 0, 1)
        density = np.clip(0.5 + (density - 0.5) * 2.2 * contrast, 0, 1)
        both = cv2.GaussianBlur(np.dstack([density, lit]), (0, 0), max(0.6, w / 320))
        return np.asarray(both, np.float32)[..., 0], np.asarray(both, np.float32)[..., 1]

    def _plane(self, shift: tuple[float, float], horizon: float) -> tuple[Field, Field]:
        """Return where each pixel's line of sight meets the clouds, in tile pixels."""
        w, h = self._size
        long = max(w, h)
        row = (np.arange(h, dtype=np.float32)[:, None] - np.float32(shift[1])) / long
        column = (np.arange(w, dtype=np.float32)[None] - np.float32(shift[0] + w / 2)) / long
        above = np.float32(max(horizon, 0.3) * h / long) - row
        # Below the horizon, where only the sky's ragged edge can look, it goes on unchanged.
        far = np.float32(_LOOK_UP) / (np.maximum(above, 0) + np.float32(_FAR + 0.18))
        far = np.broadcast_to(far, (h, w))
        return column * far * np.float32(190), far * np.float32(150)
