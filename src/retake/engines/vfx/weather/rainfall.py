"""Falling drops: streaks in a volume before the eye, and what they do where they land."""

from __future__ import annotations

import numpy as np

from retake.engines.vfx.chance import generator
from retake.engines.vfx.scene.scene import Scene
from retake.engines.vfx.weather.anchor import Anchor
from retake.engines.vfx.weather.particles import Values, draw_discs, draw_streaks
from retake.engines.vfx.weather.plate import Field

_FOCAL = 1.37
"""Focal length in heights: a vertical field of view of 40 degrees."""
_FALL_M_S = 8.0
_DROP_M = 0.0026
_SHEETS = ((1.1, 2.6, 42), (2.6, 7.0, 640), (7.0, 24.0, 2600))
"""Nearest and farthest distance in metres, and number of drops of one sheet."""
_GOLDEN = 0.6180339887


class Rainfall:
    """Draws rain in step with the camera.

    Args:
        scene: Size, times and camera.
        seed: The request's seed.
        heavy: How many drops, 1 is plain rain.
        slant: Sideways over downwards, as the wind has it.
    """

    def __init__(self, scene: Scene, seed: int, heavy: float, slant: float) -> None:
        self._scene, self._slant = scene, slant
        self._w, self._h = scene.width, scene.height
        # The picture's shorter side stands for 40 degrees, whichever way it is held.
        self._focal = _FOCAL * min(self._w, self._h)
        self._anchor = Anchor(scene, (self._w, self._h))
        draw = generator(seed, "rain")
        near, far, count = (np.array(c, np.float64) for c in zip(*_SHEETS, strict=True))
        aspect = self._w / self._h / (16 / 9)
        numbers = np.maximum(1, count * heavy * min(max(aspect, 0.5), 2.0)).astype(int)
        self._z = np.concatenate(
            [draw.uniform(a, b, n) for a, b, n in zip(near, far, numbers, strict=True)]
        )
        n = len(self._z)
        self._u, self._v, self._chance = draw.random(n), draw.random(n), draw.random(n)
        self._splash = draw.random((int(150 * heavy), 4))

    def draw(self, canvas: Values, frame: int, depth: Field, there: float) -> None:
        """Draw the drops in the air into `canvas`; `depth` hides those behind things."""
        w, h, z = self._w, self._h, self._z
        time_s = float(self._scene.times_s[frame])
        shutter_s = self._shutter(frame)
        speed = self._focal * _FALL_M_S / z * (0.85 + 0.3 * self._chance)
        long = speed * shutter_s
        dx, dy = self._anchor.shift(frame)
        span = h + 2 * long + 2
        fallen = self._v * span + speed * time_s + dy
        lap = np.floor(fallen / span)
        y = fallen - lap * span - 1.5 * long
        # Each time round a drop falls somewhere else, so no pattern comes back.
        u = np.mod(self._u + lap * _GOLDEN + dx / (1.3 * w) + self._slant * y / (1.3 * w), 1.0)
        x = u * 1.3 * w - 0.15 * w
        width = self._focal * _DROP_M / z
        blur = np.maximum(0, 2.6 - z) * 0.0016 * self._focal
        cover = np.where(z < 2.6, 0.30, 0.62) * (0.55 + 0.45 * self._chance) * there
        cover *= self._free(x, y, depth, np.clip((z - 3) / 40, 0, 1))
        cover *= np.clip(1.15 - z / 30, 0, 1) * np.sqrt(width / (width + blur))
        draw_streaks(canvas, x, y, self._slant * long, long, width + blur, cover)

    def land(self, canvas: Values, frame: int, depth: Field, hidden: Field, there: float) -> None:
        """Draw splashes on the ground; `hidden` is where no ground is, ``[h, w]`` 0..1."""
        w, h = self._w, self._h
        time_s = float(self._scene.times_s[frame])
        k = self._splash
        life_s = 0.13
        age = (time_s / 0.34 + k[:, 0]) % 1.0 * 0.34 / life_s
        lap = np.floor(time_s / 0.34 + k[:, 0])
        ground = max(0.3, self._scene.ground - 0.08)
        near = np.mod(k[:, 1] + lap * 0.7548776662, 1.0) ** 1.35
        x = np.mod(k[:, 2] + lap * 0.5698402910, 1.0) * w
        y = (ground + (1 - ground) * near) * h
        size = (0.0035 + 0.0105 * near) * min(w, h)
        alive = (age < 1) * there * (1 - self._at(hidden, x, y))
        alive *= np.clip(self._at(depth, x, y) < 0.8, 0, 1)
        draw_discs(
            canvas,
            x,
            y,
            size * (0.5 + age),
            1.0,
            0.3,
            alive * 0.34 * (1 - age),
        )
        rise = 4 * age * (1 - age)
        for side in (-0.9, -0.3, 0.4, 1.0):
            lift = size * (1.0 + 0.8 * np.mod(k[:, 3] * 7 + side, 1.0)) * rise
            px, py = x + side * size * (0.3 + 0.9 * age), y - lift
            draw_streaks(
                canvas,
                px,
                py,
                side * size * 0.12,
                size * 0.42,
                size * 0.16,
                alive * 0.5 * (1 - age * age),
            )

    def spray(self, canvas: Values, frame: int, seed: int, depth: Field, there: float) -> None:
        """Draw the drops that leap off upper outlines: shoulders, roofs, boughs."""
        rim = np.zeros_like(depth)
        rim[3:-1] = np.clip(depth[:-4] - depth[4:] - 0.06, 0, 0.4)
        weight = np.cumsum(rim.ravel(), dtype=np.float64)
        if weight[-1] < 2:
            return
        draw = generator(seed, f"spray {frame}")
        count = int(min(420, 9 * weight[-1]))
        picked = np.searchsorted(weight, draw.random(count) * weight[-1])
        rows, columns = np.divmod(picked, depth.shape[1])
        step = self._w / depth.shape[1]
        unit = min(self._w, self._h) / 720
        jump = draw.random(count) ** 2 * 11 * unit
        x = (columns + draw.random(count)) * step + draw.normal(0, 3 * unit, count)
        y = (rows + draw.random(count)) * step - jump
        fade = there * np.exp(-jump / (6 * unit)) * draw.uniform(0.2, 0.75, count)
        draw_streaks(canvas, x, y, self._slant * unit, 3.4 * unit, 1.1 * unit, fade)

    def _shutter(self, frame: int) -> float:
        """Return how long the shutter is open: half a frame, within what looks like rain."""
        times = self._scene.times_s
        apart = float(times[-1] - times[0]) / max(1, len(times) - 1)
        return min(max(apart / 2, 1 / 120), 1 / 44) if frame >= 0 else 0.0

    def _free(self, x: Values, y: Values, depth: Field, far: Values) -> Values:
        """Return 1 where a drop at distance `far` is seen, 0 where something hides it."""
        return np.clip((self._at(depth, x, y) - far) / 0.08 + 1, 0, 1)

    def _at(self, field: Field, x: Values, y: Values) -> Values:
        h, w = field.shape
        columns = np.clip(x * (w / self._w), 0, w - 1).astype(np.intp)
        rows = np.clip(y * (h / self._h), 0, h - 1).astype(np.intp)
        return field[rows, columns]
