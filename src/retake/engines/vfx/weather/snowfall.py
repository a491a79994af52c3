"""Falling flakes: near ones out of focus, far ones a fine drift, all turning in the wind."""

from __future__ import annotations

import numpy as np

from retake.engines.vfx.chance import generator
from retake.engines.vfx.scene.scene import Scene
from retake.engines.vfx.weather.anchor import Anchor
from retake.engines.vfx.weather.particles import Values, draw_discs, draw_streaks
from retake.engines.vfx.weather.plate import Field

_FOCAL = 1.37
_FALL_M_S = 1.15
_FLAKE_M = 0.011
_SHEETS = ((0.55, 1.5, 26), (1.5, 4.5, 330), (4.5, 11.0, 1100), (11.0, 26.0, 2600))
"""Nearest and farthest distance in metres, and number of flakes of one sheet."""
_FOCUS_M = 4.0
_GOLDEN = 0.6180339887


class Snowfall:
    """Draws snow in step with the camera.

    Args:
        scene: Size, times and camera.
        seed: The request's seed.
        heavy: How many flakes, 1 is plain snow.
        wind: Sideways speed in metres a second.
    """

    def __init__(self, scene: Scene, seed: int, heavy: float, wind: float) -> None:
        self._scene, self._wind = scene, wind
        self._w, self._h = scene.width, scene.height
        self._focal = _FOCAL * min(self._w, self._h)
        self._anchor = Anchor(scene, (self._w, self._h))
        draw = generator(seed, "snow")
        near, far, count = (np.array(c, np.float64) for c in zip(*_SHEETS, strict=True))
        numbers = np.maximum(1, count * heavy).astype(int)
        self._z = np.concatenate(
            [draw.uniform(a, b, n) for a, b, n in zip(near, far, numbers, strict=True)]
        )
        n = len(self._z)
        self._u, self._v = draw.random(n), draw.random(n)
        self._size = draw.uniform(0.55, 1.25, n)
        self._pace = draw.uniform(0.75, 1.25, n)
        self._phase = draw.uniform(0, 2 * np.pi, (3, n))
        self._turn = draw.uniform(0.8, 2.4, (3, n))

    def draw(self, canvas: Values, frame: int, depth: Field, there: float) -> None:
        """Draw the flakes into `canvas`; `depth` hides those behind things."""
        time_s = float(self._scene.times_s[frame])
        shutter_s = 1 / 50
        x, y = self._where(time_s, frame)
        x2, y2 = self._speed(time_s)
        z = self._z
        radius = self._focal * _FLAKE_M / z * self._size * 0.5
        # A lens of 50 mm at f/2.8 focused at four metres, exaggerated a little.
        blur = self._focal * 0.0042 * np.abs(1 / z - 1 / _FOCUS_M) * 2.2
        blur = np.where(z > _FOCUS_M, 0.25 * blur, blur)
        total = radius + blur
        cover = 0.92 * (radius / total) ** 1.3 * there
        cover *= np.clip(1.25 - z / 34, 0, 1) * self._free(
            x, y, depth, np.clip((z - 2.0) / 34, 0, 1)
        )
        smear = np.hypot(x2, y2) * shutter_s
        streak = (smear > 1.2 * total) & (np.abs(y2) > 0.35 * np.abs(x2))
        soft = np.clip(0.9 - 0.5 * blur / total, 0.3, 1)
        still = ~streak
        draw_discs(canvas, x[still], y[still], total[still], soft[still], 1.0, cover[still])
        draw_streaks(
            canvas,
            x[streak],
            y[streak],
            (x2 * shutter_s)[streak],
            (y2 * shutter_s + 1.2 * total)[streak],
            (1.25 * total)[streak],
            0.8 * cover[streak],
        )

    def _where(self, time_s: float, frame: int) -> tuple[Values, Values]:
        w, h, z = self._w, self._h, self._z
        per_m = self._focal / z
        dx, dy = self._anchor.shift(frame)
        margin = 0.12 * h
        span = h + 2 * margin
        swirl_x, swirl_y = self._swirl(time_s)
        fallen = self._v * span + (_FALL_M_S * self._pace * time_s + swirl_y) * per_m + dy
        lap = np.floor(fallen / span)
        y = fallen - lap * span - margin
        wide = 1.2 * w
        along = self._u * wide + lap * _GOLDEN * wide
        along = along + (self._wind * self._gust(time_s) + swirl_x) * per_m + dx
        return np.mod(along, wide) - 0.1 * w, y

    def _swirl(self, time_s: float) -> tuple[Values, Values]:
        """Return how far each flake has strayed, metres right and down."""
        a, b, c = (self._phase[k] + self._turn[k] * time_s for k in range(3))
        return 0.11 * np.sin(a) + 0.07 * np.sin(2.3 * b), 0.06 * np.sin(c)

    def _speed(self, time_s: float) -> tuple[Values, Values]:
        """Return how fast each flake moves, pixels a second right and down."""
        step = 1e-3
        before, after = self._swirl(time_s), self._swirl(time_s + step)
        gust = (self._gust(time_s + step) - self._gust(time_s)) / step
        per_m = self._focal / self._z
        right = (self._wind * gust + (after[0] - before[0]) / step) * per_m
        return right, (_FALL_M_S * self._pace + (after[1] - before[1]) / step) * per_m

    def _gust(self, time_s: float) -> float:
        """Return for how many seconds of even wind it has blown: gusts come and go."""
        return time_s + 0.28 * float(np.sin(1.7 * time_s)) + 0.12 * float(np.sin(4.1 * time_s + 1))

    def _free(self, x: Values, y: Values, depth: Field, far: Values) -> Values:
        h, w = depth.shape
        columns = np.clip(x * (w / self._w), 0, w - 1).astype(np.intp)
        rows = np.clip(y * (h / self._h), 0, h - 1).astype(np.intp)
        return np.clip((depth[rows, columns] - far) / 0.08 + 1, 0, 1)
