"""The night sky: stars and a moon that stay where they are while the camera moves."""

from __future__ import annotations

import cv2
import numpy as np

from retake.engines.vfx.chance import generator
from retake.engines.vfx.scene.scene import Scene
from retake.engines.vfx.weather.anchor import Anchor
from retake.engines.vfx.weather.noise import SIZE, cloud_tile
from retake.engines.vfx.weather.particles import Values, draw_discs
from retake.engines.vfx.weather.plate import Field

_STARS = 1500
_MOON = 0.034
_ROOM = 1.8


class Heavens:
    """Draws stars and, where there is room for it, the moon.

    Args:
        scene: Size, times and camera.
        seed: The request's seed.
    """

    def __init__(self, scene: Scene, seed: int) -> None:
        self._scene = scene
        self._size = (scene.width, scene.height)
        self._anchor = Anchor(scene, self._size)
        draw = generator(seed, "stars")
        # Twice the picture's width and height, so that a panning camera finds more of them.
        self._x, self._y = draw.uniform(-0.5, 1.5, _STARS), draw.uniform(-0.5, 1.5, _STARS)
        self._bright = draw.pareto(1.6, _STARS)
        self._phase, self._pace = draw.uniform(0, 6.28, _STARS), draw.uniform(5, 14, _STARS)
        self._marks = cloud_tile(seed, "moon", 1.6, 3.0)
        self._moon: tuple[float, float] | None = None
        self._looked = False

    def draw(self, canvas: Values, frame: int, sky: Field, there: float) -> None:
        """Draw stars into `canvas` where `sky` is, ``[h, w]`` 0..1."""
        w, h = self._size
        dx, dy = self._anchor.shift(frame)
        x, y = self._x * w + dx, self._y * h + dy
        inside = (x >= 0) & (x < w) & (y >= 0) & (y < h)
        x, y = x[inside], y[inside]
        rows = (y * len(sky) / h).astype(np.intp)
        columns = (x * sky.shape[1] / w).astype(np.intp)
        time_s = float(self._scene.times_s[frame])
        twinkle = 0.8 + 0.2 * np.sin(self._phase + self._pace * time_s)[inside]
        # Air is thickest at the horizon: few stars get through.
        high = np.clip(1.1 - y / (0.75 * h), 0.1, 1)
        cover = np.clip(0.16 + 0.35 * self._bright[inside], 0, 1) * twinkle * high
        size = min(w, h) / 720 * (0.75 + 0.35 * np.clip(self._bright[inside], 0, 2.5))
        radius = np.maximum(size, 0.65)
        seen = np.clip(sky[rows, columns] * 2 - 1, 0, 1)
        draw_discs(canvas, x, y, radius, 1.0, 1.0, cover * seen * there)

    def moon(self, canvas: Values, frame: int, sky: Field, there: float) -> Field:
        """Draw the moon into `canvas` and return its halo, ``[h, w]``, brightest 1."""
        if not self._looked:
            self._looked = True
            self._moon = self._place(sky, frame)
        h, w = sky.shape
        if self._moon is None:
            return np.zeros((h, w), np.float32)
        dx, dy = self._anchor.shift(frame)
        x, y = self._moon[0] + dx, self._moon[1] + dy
        radius = _MOON * min(self._size)
        self._disc(canvas, x, y, radius, sky, there)
        columns = (np.arange(w, dtype=np.float32)[None] + 0.5) * (self._size[0] / w) - x
        rows = (np.arange(h, dtype=np.float32)[:, None] + 0.5) * (self._size[1] / h) - y
        away = np.hypot(columns, rows) / radius
        return (0.55 * np.exp(-((away / 2.2) ** 2)) + 0.45 / (1 + (away / 3.2) ** 2)) * there

    def _disc(
        self, canvas: Values, x: float, y: float, radius: float, sky: Field, there: float
    ) -> None:
        left, top = int(x - radius - 2), int(y - radius - 2)
        side = int(2 * radius + 5)
        x0, y0 = max(left, 0), max(top, 0)
        x1, y1 = min(left + side, canvas.shape[1]), min(top + side, canvas.shape[0])
        if x1 <= x0 or y1 <= y0:
            return
        u = (np.arange(x0, x1) - x)[None] / radius
        v = (np.arange(y0, y1) - y)[:, None] / radius
        away = np.hypot(u, v)
        edge = np.clip((1 - away) * radius + 0.5, 0, 1)
        marks = self._marks[
            np.int64(np.floor(v * 70 + 200)) % SIZE, np.int64(np.floor(u * 70 + 200)) % SIZE
        ]
        face = (1 - 0.5 * np.clip((marks - 0.42) * 3, 0, 1)) * np.clip(1.12 - 0.25 * away**2, 0, 1)
        h, w = sky.shape
        rows = np.arange(y0, y1) * h // canvas.shape[0]
        columns = np.arange(x0, x1) * w // canvas.shape[1]
        seen = np.clip(sky[np.ix_(rows, columns)] * 2 - 1, 0, 1)
        patch = canvas[y0:y1, x0:x1]
        canvas[y0:y1, x0:x1] = np.maximum(patch, edge * face * seen * there)

    def _place(self, sky: Field, frame: int) -> tuple[float, float] | None:
        """Return where the moon is in frame 0's pixels: high, in the widest piece of sky."""
        clear = (sky > 0.8).astype(np.uint8)
        # The picture's own edge does not hem the moon in, other things do.
        room = cv2.distanceTransform(
            cv2.copyMakeBorder(clear, 9, 0, 9, 9, cv2.BORDER_REPLICATE), cv2.DIST_L2, 3
        )
        room = np.asarray(room)[9:, 9:-9]
        h, w = sky.shape
        need = _ROOM * _MOON * min(self._size) * w / self._size[0]
        rows = (np.arange(h)[:, None] + 0.5) / h
        columns = np.abs((np.arange(w)[None] + 0.5) / w - 0.5)
        liked = (
            np.minimum(room, 5 * need) / need - 9 * np.abs(rows - 0.2) - 3 * np.abs(columns - 0.27)
        )
        inner = np.s_[int(need) + 1 : h - int(need), int(need) + 1 : w - int(need)]
        liked = np.where(room >= need, liked, -1e3)[inner]
        if liked.size == 0 or liked.max() < -100:
            return None
        row, column = np.unravel_index(int(np.argmax(liked)), liked.shape)
        dx, dy = self._anchor.shift(frame)
        return (
            (float(column) + int(need) + 1.5) * self._size[0] / w - dx,
            (float(row) + int(need) + 1.5) * self._size[1] / h - dy,
        )
