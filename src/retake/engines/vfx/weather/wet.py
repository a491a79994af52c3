"""The look of a rainy day, shared by rain and storm: gloom, closed sky, mist, wet ground, drops."""

from __future__ import annotations

import cv2
import numpy as np

from retake.engines.vfx.effects.effect import Picture
from retake.engines.vfx.plan import Cue
from retake.engines.vfx.scene.scene import Scene
from retake.engines.vfx.scene.views import Views
from retake.engines.vfx.weather.anchor import Anchor
from retake.engines.vfx.weather.curves import toned
from retake.engines.vfx.weather.edges import tighten
from retake.engines.vfx.weather.noise import cloud_tile, window
from retake.engines.vfx.weather.overcast import Clouds, horizon_of
from retake.engines.vfx.weather.plate import Field, Plate
from retake.engines.vfx.weather.rainfall import Rainfall

_COOL = np.array([0.90, 0.99, 1.10], np.float32)


class WetWeather:
    """Grades a frame to a rainy day and rains on it.

    Args:
        cue: Strength and wind.
        scene: The scene.
        seed: The request's seed.
        heavy: How many drops, 1 is plain rain.
        slant: Sideways over downwards.
        gloom: How dark the day gets, 0..1.
        billow: How much the clouds tower, 0..1.
    """

    def __init__(
        self,
        cue: Cue,
        scene: Scene,
        seed: int,
        *,
        heavy: float,
        slant: float,
        gloom: float,
        billow: float = 0.25,
    ) -> None:
        self._cue, self._scene, self._seed = cue, scene, seed
        self._heavy, self._slant, self._gloom, self._billow = heavy, slant, gloom, billow
        self.plate = Plate(scene.width, scene.height)
        self._views = Views(scene)
        self._anchor = Anchor(scene, self.plate.size)
        self._clouds = Clouds(self.plate.size, seed, np.sign(slant) * 0.8, billow)
        self._rain = Rainfall(scene, seed, heavy, slant)
        self._curtain = cloud_tile(seed, "rain curtains", 1.5, 3.0)
        self._horizon = horizon_of(scene)
        self._day = 0.0
        self._canvas = np.zeros((scene.height, scene.width), np.float32)
        h, w = self.plate.guide.shape
        self.sky = self.depth = np.zeros((h, w), np.float32)
        self.dense = self.lit = np.zeros((h, w), np.float32)

    def begin(self, picture: Picture, frame: int, there: float) -> None:
        """Take the frame and fill the plate; further light may be put in before `finish`."""
        plate, time_s = self.plate, float(self._scene.times_s[frame])
        plate.begin(picture)
        sky, self.depth = (plate.fit(field) for field in self._views.at(frame))
        self.sky = tighten(sky, plate.light)
        shift = self._anchor.shift(frame, 0.8)
        self.dense, self.lit = self._clouds.at(time_s, shift, self._horizon)
        day = self._day = plate.daylight(self.sky)
        self._grade(there)
        self._cover(there, day)
        self._mist(time_s, there, day)
        self._wet(there)

    def finish(
        self,
        picture: Picture,
        frame: int,
        there: float,
        flash: float = 0.0,
        bolt: Field | None = None,
    ) -> Picture:
        """Rain on the frame and return it.

        Args:
            picture: The frame that `begin` was given.
            frame: Its number in the section.
            there: How far the weather is there, 0..1.
            flash: How much lightning lights the drops.
            bolt: Coverage of a bolt, ``[H, W]`` 0..1, drawn together with the drops.
        """
        canvas = self._canvas
        canvas.fill(0)
        hidden = np.clip(self.sky, 0, 1)
        self._rain.draw(canvas, frame, self.depth, there)
        self._rain.land(canvas, frame, self.depth, hidden, there)
        self._rain.spray(canvas, frame, self._seed, self.depth, there)
        if bolt is not None:
            np.maximum(canvas, bolt, out=canvas)
        day = self._day * (1 - 0.45 * self._gloom)
        level = min(0.9, 0.16 + 0.62 * day + 0.5 * flash)
        lit = (level * 0.94, level * 0.99, min(1.0, level * 1.05))
        contrast = 0.10 * there
        return self.plate.develop(picture, tone=toned(contrast), particles=canvas, lit=lit)

    def _grade(self, there: float) -> None:
        dark = there * self._gloom
        self.plate.fade[:] = 0.62 * there * (0.6 + 0.4 * self._gloom)
        tint = 1 + (_COOL - 1) * np.float32(there)
        self.plate.gain[:] = (1 - 0.72 * dark) * tint - 1

    def _cover(self, there: float, day: float) -> None:
        """Close the sky with clouds."""
        h = self.plate.size[1]
        level = day * (0.78 - 0.55 * self._gloom)
        shade = 1.12 - (0.35 + 0.65 * self._billow) * self.dense
        rim = 0.85 + (0.2 + 0.5 * self._billow) * (self.lit - 0.25)
        low = np.linspace(0.86, 1.12, h, dtype=np.float32)[:, None]
        heaven = (level * shade * rim * low)[..., None] * _COOL
        self.plate.heaven[:] = np.clip(heaven, 0, 1)
        self.plate.cover_sky((self.sky * there).astype(np.float32))

    def _mist(self, time_s: float, there: float, day: float) -> None:
        """Hide what is far behind curtains of rain that sweep across."""
        w, h = self.plate.size
        zoom = 320 / max(w, h)
        sweep = window(
            self._curtain,
            (w, h),
            zoom * 1.3,
            (-time_s * 150 * (0.4 + abs(self._slant)) * np.sign(self._slant), -time_s * 60),
        )
        curtain = cv2.GaussianBlur(sweep, (0, 0), 0.5, sigmaY=w / 24)
        thick = self.depth**1.6 * (0.35 + 0.55 * self._heavy) * (0.45 + 1.1 * curtain)
        self.plate.air[:] = (day * (0.62 - 0.42 * self._gloom)) * _COOL
        veil = 1 - np.exp(-there * thick)
        self.plate.veil((veil * (1 - 0.75 * self.sky)).astype(np.float32))

    def _wet(self, there: float) -> None:
        """Darken what is wet and let smooth ground mirror what stands above it."""
        plate = self.plate
        w, h = plate.size
        below = (np.arange(h, dtype=np.float32) + 0.5) / h
        ground = np.clip((below - self._scene.ground + 0.1) / 0.12, 0, 1)[:, None]
        rough = cv2.blur(np.abs(plate.guide - cv2.blur(plate.guide, (5, 5))), (9, 9))
        light = plate.light
        green = np.clip((light[..., 1] / (light.max(2) + 1e-3) - 0.93) / 0.07, 0, 1)
        leafy = green * np.clip((light[..., 1] - light[..., 2]) / 0.05, 0, 1)
        smooth = np.clip(1.2 - rough / 0.035, 0, 1) * (1 - 0.85 * leafy)
        wet = there * ground * (1 - self.sky)
        plate.gain[:] *= 1 + 0.12 * wet[..., None]
        mirror = light[np.clip(2 * int(self._scene.ground * h) - np.arange(h), 0, h - 1)]
        mirror = cv2.GaussianBlur(mirror, (0, 0), w / 200, sigmaY=w / 26)
        steep = np.clip(1.25 - below, 0.25, 1)[:, None]
        share = 0.55 * wet * smooth * steep * (1 - 0.5 * self._gloom)
        plate.add[:] += np.asarray(mirror) * share[..., None] * (0.75 * _COOL)
