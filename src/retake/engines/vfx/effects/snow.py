"""Snow: a pale day, flakes in depth, white on what lies open to the sky."""

from __future__ import annotations

import cv2
import numpy as np

from retake.core.watch import Watch
from retake.engines.vfx.effects.effect import Layer, Picture
from retake.engines.vfx.events import presence
from retake.engines.vfx.plan import Cue
from retake.engines.vfx.scene.scene import Scene
from retake.engines.vfx.scene.views import Views
from retake.engines.vfx.weather.anchor import Anchor
from retake.engines.vfx.weather.edges import tighten
from retake.engines.vfx.weather.noise import cloud_tile, window
from retake.engines.vfx.weather.overcast import Clouds, horizon_of
from retake.engines.vfx.weather.plate import Field, Plate
from retake.engines.vfx.weather.snowfall import Snowfall

_COOL = np.array([0.93, 0.99, 1.06], np.float32)


class _SnowLayer:
    def __init__(self, cue: Cue, scene: Scene, seed: int) -> None:
        self._cue, self._scene = cue, scene
        wind = 2.6 * cue.direction if cue.direction else 0.45
        self._plate = Plate(scene.width, scene.height)
        self._views = Views(scene)
        self._anchor = Anchor(scene, self._plate.size)
        self._clouds = Clouds(self._plate.size, seed, wind, 0.05)
        self._fall = Snowfall(scene, seed, 0.3 + 1.2 * cue.strength, wind)
        self._horizon = horizon_of(scene)
        self._patches = cloud_tile(seed, "snow patches", 1.3, 6.0)
        self._canvas = np.zeros((scene.height, scene.width), np.float32)

    def draw(self, picture: Picture, frame: int) -> Picture:
        time_s = float(self._scene.times_s[frame])
        there = presence(self._cue, time_s)
        if there == 0:
            return picture
        plate = self._plate
        plate.begin(picture)
        sky, depth = (plate.fit(field) for field in self._views.at(frame))
        sky = tighten(sky, plate.light)
        day = plate.daylight(sky)
        plate.fade[:] = 0.5 * there
        plate.gain[:] = (1 - 0.2 * there) * (1 + (_COOL - 1) * there) - 1
        self._whiten(sky, depth, day, frame, time_s, there)
        self._haze(sky, depth, day, there)
        canvas = self._canvas
        canvas.fill(0)
        self._fall.draw(canvas, frame, depth, there)
        level = min(0.97, 0.14 + 1.05 * day)
        lit = (level * 0.97, level * 0.99, min(1.0, level * 1.02))
        return plate.develop(picture, particles=canvas, lit=lit)

    def _whiten(
        self, sky: Field, depth: Field, day: float, frame: int, time_s: float, there: float
    ) -> None:
        """Close the sky with pale cloud, and let snow lie on the ground and on upper edges."""
        plate = self._plate
        dense, _ = self._clouds.at(time_s, self._anchor.shift(frame, 0.8), self._horizon)
        cloud = day * (0.86 - 0.14 * dense)[..., None] * _COOL
        lies = self._lies(sky, depth, frame) * there * (0.35 + 0.6 * self._cue.strength)
        shade = 0.30 + 0.95 * plate.guide + 0.25 * (plate.guide - cv2.blur(plate.guide, (9, 9)))
        white = np.clip(day * 1.12 * shade, 0, 0.93)[..., None] * np.array([0.95, 0.99, 1.05])
        of_sky = np.clip(sky, 0, 1)[..., None]
        plate.heaven[:] = np.clip(cloud * of_sky + white * (1 - of_sky), 0, 1)
        plate.cover_sky(np.maximum(sky * there, lies).astype(np.float32))

    def _lies(self, sky: Field, depth: Field, frame: int) -> Field:
        """Return how much snow lies where, ``[h, w]`` 0..1."""
        plate = self._plate
        w, h = plate.size
        below = (np.arange(h, dtype=np.float32) + 0.5) / h
        ground = np.clip((below - self._scene.ground + 0.22) / 0.3, 0, 1)[:, None]
        dx, dy = self._anchor.shift(frame)
        zoom = 320 / max(w, h) * 2.2
        patches = window(self._patches, (w, h), zoom, (-dx * zoom, -dy * zoom))
        # What is lit from above lies open to the sky; the outline's upper edges catch most.
        relief = cv2.GaussianBlur(plate.guide, (0, 0), w / 260)
        falls = np.clip(np.asarray(cv2.Sobel(relief, cv2.CV_32F, 0, 1)), 0, None)
        open_up = np.clip(falls * 2.2, 0, 0.5)
        rim = np.zeros_like(depth)
        rim[2:-2] = np.clip((depth[:-4] - depth[4:]) * 1.6 - 0.12, 0, 0.75)
        rim = cv2.GaussianBlur(rim.astype(np.float32), (0, 0), w / 260)
        bright = np.clip((plate.guide - 0.30) / 0.4, 0, 1)
        flat = (
            ground * np.clip((patches - 0.36) * 2.6 + 0.55 * bright, 0, 1) * (0.45 + 0.55 * bright)
        )
        return np.clip(flat + (open_up + rim) * (0.35 + 0.65 * bright), 0, 0.9) * (1 - sky)

    def _haze(self, sky: Field, depth: Field, day: float, there: float) -> None:
        plate = self._plate
        plate.air[:] = day * 0.84 * _COOL
        thick = (0.05 + 1.15 * depth**2) * (0.35 + 0.75 * self._cue.strength)
        veil = 1 - np.exp(-there * thick)
        plate.veil((veil * (1 - 0.9 * sky)).astype(np.float32))


class Snow:
    """Falling snow."""

    name = "snow"

    def prepare(self, cue: Cue, scene: Scene, seed: int, watch: Watch) -> Layer:
        """Return the snow for a cue."""
        watch.check()
        return _SnowLayer(cue, scene, seed)


EFFECT = Snow()
