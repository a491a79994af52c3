"""Night: day shot for night. Moonlight from one side, stars, lamps and windows that shine."""

from __future__ import annotations

import cv2
import numpy as np

from retake.core.watch import Watch
from retake.engines.vfx.effects.effect import Layer, Picture
from retake.engines.vfx.events import presence
from retake.engines.vfx.plan import Cue
from retake.engines.vfx.scene.cuts import cuts, light_left
from retake.engines.vfx.scene.scene import Scene
from retake.engines.vfx.scene.views import Views
from retake.engines.vfx.weather.curves import LUMA, toned
from retake.engines.vfx.weather.edges import tighten
from retake.engines.vfx.weather.heavens import Heavens
from retake.engines.vfx.weather.plate import Field, Plate
from retake.engines.vfx.weather.windows import Windows

_MOONLIGHT = np.array([0.62, 0.83, 1.22], np.float32)
_TOP = np.array([0.0035, 0.0075, 0.022], np.float32)
_LOW = np.array([0.020, 0.034, 0.066], np.float32)
_LAMP = np.array([1.0, 0.62, 0.27], np.float32)
_ALREADY = 0.2


class _NightLayer:
    def __init__(self, cue: Cue, scene: Scene, seed: int) -> None:
        self._cue, self._scene = cue, scene
        self._plate = Plate(scene.width, scene.height)
        self._views = Views(scene)
        self._seed = seed
        self._heavens = Heavens(scene, seed)
        self._windows = Windows(scene, seed)
        self._cuts = cuts(scene)
        self._left = light_left(scene)
        self._canvas = np.zeros((scene.height, scene.width), np.float32)
        side = cue.direction if cue.direction else self._bright_side()
        self._side = 1.0 if side >= 0 else -1.0
        # What was shot by night needs only a little more of it.
        self._dark = float(np.clip(np.median(scene.luma) / 0.35, 0.35, 1))

    def draw(self, picture: Picture, frame: int) -> Picture:
        there = presence(self._cue, float(self._scene.times_s[frame]))
        if there == 0:
            return picture
        if self._cuts[frame]:
            self._heavens = Heavens(self._scene, self._seed)
            self._windows = Windows(self._scene, self._seed)
        plate = self._plate
        plate.begin(picture)
        plate.exposure = float(self._left[frame])
        sky, depth = (plate.fit(field) for field in self._views.at(frame))
        sky = tighten(sky, plate.light)
        self._dim(sky, depth, there)
        self._paint_sky(sky, there)
        lamps = self._lamps(sky) + self._windows.at(frame, plate.guide, sky)
        self._shine(lamps, there)
        canvas = self._canvas
        canvas.fill(0)
        self._heavens.draw(canvas, frame, sky, there)
        halo = self._heavens.moon(canvas, frame, sky, there)
        plate.glow[:] += halo[..., None] * _MOONLIGHT * (0.16 * (0.25 + 0.75 * sky))[..., None]
        tone = toned(0.18 * there * self._dark)
        return plate.develop(picture, tone=tone, particles=canvas, lit=(0.86, 0.90, 0.97))

    def _bright_side(self) -> float:
        """Return on which side the scene's own light comes in: moonlight may come from there."""
        middle = np.asarray(self._scene.previews[len(self._scene) // 2]).astype(np.float32)
        columns = middle.mean((0, 2))
        half = len(columns) // 2
        return float(columns[half:].mean() - columns[:half].mean())

    def _dim(self, sky: Field, depth: Field, there: float) -> None:
        """Take the day away: exposure, then colour; what faces the moon keeps most."""
        plate = self._plate
        w, h = plate.size
        relief = cv2.GaussianBlur(plate.guide, (0, 0), w / 110)
        across, down = (np.asarray(cv2.Sobel(relief, cv2.CV_32F, *d)) for d in ((1, 0), (0, 1)))
        faces = np.clip(0.5 - 2.6 * self._side * across + 2.2 * down, 0, 1.35)
        x = (np.arange(w, dtype=np.float32)[None] + 0.5) / w - 0.5
        y = (np.arange(h, dtype=np.float32)[:, None] + 0.5) / h
        pool = 1.05 + 0.35 * self._side * x - 0.55 * np.abs(y - 0.55) - 0.4 * x * x
        left = (0.055 + 0.16 * faces) * pool * (1.25 - 0.45 * self._cue.strength)
        left = left + (1 - self._dark) * 0.6
        # Where it is night already, what is bright shines by itself.
        lamps = np.clip((plate.guide - 0.3) / 0.3, 0, 1) * (1 - sky)
        left = left + np.maximum(1 - left, 0) * lamps * self._is_night(sky)
        keep = np.exp(there * np.log(np.clip(left, 0.02, 1)))
        plate.gain[:] = keep[..., None] * (1 + (_MOONLIGHT - 1) * there) - 1
        plate.fade[:] = 0.58 * there * self._dark
        plate.air[:] = _LOW * 0.8
        plate.veil((0.55 * there * depth**2 * (1 - sky) * self._dark).astype(np.float32))

    def _is_night(self, sky: Field) -> float:
        """Return how surely the frame was shot by night, 0..1: its sky is dark."""
        area = float(sky.sum())
        if area < 0.01 * sky.size:
            return 0.0
        return float(np.clip((0.34 - (self._plate.guide * sky).sum() / area) / 0.1, 0, 1))

    def _paint_sky(self, sky: Field, there: float) -> None:
        plate = self._plate
        h = plate.size[1]
        horizon = max(self._scene.ground, 0.35)
        up = np.clip(1 - (np.arange(h, dtype=np.float32) + 0.5) / h / horizon, 0, 1)
        fall = (1 - up[:, None, None]) ** 2.2
        heaven = _TOP + (_LOW - _TOP) * fall
        # The day's clouds stay as faint shapes.
        clouds = cv2.GaussianBlur(plate.light @ LUMA, (0, 0), plate.size[0] / 160)
        mean = float((clouds * sky).sum() / max(float(sky.sum()), 1))
        shape = np.clip(clouds / max(mean, 1e-3), 0.4, 1.9)[..., None]
        plate.heaven[:] = heaven * (0.45 + 0.55 * shape)
        plate.cover_sky((sky * there * self._dark).astype(np.float32))

    def _lamps(self, sky: Field) -> Field:
        """Return where small bright things are that may well be lamps, ``[h, w]`` 0..1."""
        plate = self._plate
        w = plate.size[0]
        around = cv2.blur(plate.guide, (w // 20 | 1, w // 20 | 1))
        light = plate.light
        # Sunlit fur and gaps of sky are bright too; flames, bulbs and gilding are yellow.
        warm = np.clip((light[..., 0] / (light[..., 2] + 0.02) - 1.7) / 0.6, 0, 1)
        bright = np.clip((plate.guide - 0.74) / 0.15, 0, 1)
        alone = np.clip((plate.guide - around - 0.24) / 0.15, 0, 1)
        return bright * alone * warm * (1 - sky)

    def _shine(self, lamps: Field, there: float) -> None:
        """Let lamps keep their light, glow, and light what is around them."""
        plate = self._plate
        w = plate.size[0]
        lamps = np.clip(lamps, 0, 1).astype(np.float32) * np.float32(there)
        plate.add[:] = lamps[..., None] * _LAMP * (0.25 + 0.6 * plate.guide[..., None])
        near, wide = (cv2.GaussianBlur(lamps, (0, 0), w / s) for s in (110, 26))
        plate.glow[:] += (0.5 * near + 1.1 * wide)[..., None] * _LAMP
        plate.gain[:] += np.clip(5 * wide, 0, 0.6)[..., None] * _LAMP


class Night:
    """Day turned into night."""

    name = "night"

    def prepare(self, cue: Cue, scene: Scene, seed: int, watch: Watch) -> Layer:
        """Return the night for a cue."""
        watch.check()
        return _NightLayer(cue, scene, seed)


EFFECT = Night()
