"""A thunderstorm: rain in gusts under towering clouds, and lightning that lights things."""

from __future__ import annotations

import cv2
import numpy as np

from retake.core.watch import Watch
from retake.engines.vfx.effects.effect import Layer, Picture
from retake.engines.vfx.events import Strike, presence, strikes
from retake.engines.vfx.plan import Cue
from retake.engines.vfx.scene.cuts import light_left
from retake.engines.vfx.scene.scene import Scene
from retake.engines.vfx.weather.anchor import Anchor
from retake.engines.vfx.weather.lightning import Bolt, Flicker, branch, sky_column, trace
from retake.engines.vfx.weather.plate import Field
from retake.engines.vfx.weather.wet import WetWeather

_COLD = np.array([0.86, 0.94, 1.12], np.float32)
_DARK = 0.012


class _StormLayer:
    def __init__(self, cue: Cue, scene: Scene, seed: int) -> None:
        self._cue, self._scene, self._seed = cue, scene, seed
        slant = 0.55 * cue.direction if cue.direction else 0.24
        self._weather = WetWeather(
            cue,
            scene,
            seed,
            heavy=0.8 + 1.2 * cue.strength,
            slant=slant,
            gloom=0.62 + 0.3 * cue.strength,
            billow=1.0,
        )
        self._strikes = strikes(cue, seed)
        self._flickers = [Flicker(s, seed, k) for k, s in enumerate(self._strikes)]
        self._left = light_left(scene)
        self._bolts: dict[int, Bolt | None] = {}
        self._near = Anchor(scene, (scene.width, scene.height))
        self._born: dict[int, tuple[float, float]] = {}

    def draw(self, picture: Picture, frame: int) -> Picture:
        there = presence(self._cue, float(self._scene.times_s[frame]))
        if there == 0:
            return picture
        weather = self._weather
        weather.begin(picture, frame, there)
        flash = 0.0
        bolt = None
        for number, strike in enumerate(self._strikes):
            light = self._light(number, frame) * there * float(self._left[frame])
            if light < _DARK:
                continue
            flash += light
            drawn = self._strike(number, strike, frame, light)
            bolt = drawn if bolt is None or drawn is None else np.maximum(bolt, drawn)
        return weather.finish(picture, frame, there, flash, bolt)

    def _light(self, number: int, frame: int) -> float:
        times = self._scene.times_s
        start = float(times[frame])
        end = float(times[frame + 1]) if frame + 1 < len(times) else start + 1 / 24
        return self._flickers[number].light(start, end)

    def _strike(self, number: int, strike: Strike, frame: int, light: float) -> Field | None:
        """Light the scene by one strike; return the bolt to draw, None when it is out of sight."""
        plate, sky = self._weather.plate, self._weather.sky
        w, h = plate.size
        where = self._bolt(number, strike, frame)
        x = strike.x if where is None else where.lines[0][:, 0].mean()
        self._light_clouds(float(x), light)
        self._light_ground(float(x), light)
        if where is None:
            return None
        now, born = self._near.shift(frame), self._born[number]
        moved = (now[0] - born[0], now[1] - born[1])
        size = (self._scene.width, self._scene.height)
        unit = min(size) / 720
        bolt = trace(where, size, moved, unit * (1.2 + 2.4 * strike.strength))
        seen = cv2.resize(np.asarray(sky, np.float32), size, interpolation=cv2.INTER_LINEAR)
        bolt *= np.clip(np.asarray(seen) * 1.4 - 0.2, 0, 1)
        small = cv2.resize(bolt, (w, h), interpolation=cv2.INTER_AREA)
        halo = sum(
            share * cv2.GaussianBlur(small, (0, 0), spread * w / 320)
            for share, spread in ((1.2, 1.5), (3.0, 5.0), (7.0, 18.0))
        )
        plate.glow[:] += np.asarray(halo)[..., None] * _COLD * (0.9 * light)
        return bolt * min(1.0, 1.35 * light)

    def _bolt(self, number: int, strike: Strike, frame: int) -> Bolt | None:
        """Return the bolt of a strike, grown once where sky is seen as it begins."""
        if number not in self._bolts:
            found = sky_column(self._weather.sky, strike.x)
            self._born[number] = self._near.shift(frame)
            self._bolts[number] = None
            if found is not None:
                x, low = found
                self._bolts[number] = branch(self._seed, number, x, -0.06, min(1.0, low + 0.04))
        return self._bolts[number]

    def _light_clouds(self, x: float, light: float) -> None:
        """Light the clouds from within, most around the bolt."""
        weather, plate = self._weather, self._weather.plate
        w, h = plate.size
        columns = (np.arange(w, dtype=np.float32)[None] / w - x) * (w / h)
        rows = np.arange(h, dtype=np.float32)[:, None] / h - 0.12
        near = np.exp(-((columns / 0.55) ** 2 + (rows / 0.5) ** 2))
        body = (0.25 + 1.1 * weather.lit**1.5) * (1.1 - 0.75 * weather.dense)
        shine = light * body * (0.16 + 0.85 * near)
        plate.heaven[:] = 1 - (1 - plate.heaven) * np.exp(-shine[..., None] * _COLD * 1.3)

    def _light_ground(self, x: float, light: float) -> None:
        """Light what faces the bolt, harder than daylight and blue-white."""
        weather, plate = self._weather, self._weather.plate
        w = plate.size[0]
        relief = cv2.GaussianBlur(plate.guide, (0, 0), w / 90)
        toward = cv2.Sobel(relief, cv2.CV_32F, 1, 0), cv2.Sobel(relief, cv2.CV_32F, 0, 1)
        side = np.sign(x - (np.arange(w, dtype=np.float32)[None] + 0.5) / w)
        faces = np.clip(
            0.42 - 2.6 * side * np.asarray(toward[0]) + 2.6 * np.asarray(toward[1]), 0, 1.5
        )
        far = 0.55 + 0.9 * weather.depth
        plate.gain[:] += (light * 2.3 * faces * far)[..., None] * _COLD
        plate.air[:] += light * 0.32 * _COLD
        plate.fade[:] = np.clip(plate.fade + 0.35 * light, 0, 0.9)


class Storm:
    """A thunderstorm with lightning."""

    name = "storm"

    def prepare(self, cue: Cue, scene: Scene, seed: int, watch: Watch) -> Layer:
        """Return the storm for a cue."""
        watch.check()
        return _StormLayer(cue, scene, seed)


EFFECT = Storm()
