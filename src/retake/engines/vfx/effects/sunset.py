"""Sunset: a low sun, its light from one side, cool shade, a burning sky, haze full of light."""

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
from retake.engines.vfx.weather.anchor import Anchor
from retake.engines.vfx.weather.curves import LUMA, toned
from retake.engines.vfx.weather.edges import tighten
from retake.engines.vfx.weather.overcast import Clouds
from retake.engines.vfx.weather.plate import Field, Plate
from retake.engines.vfx.weather.rays import shafts

_KEY = np.array([1.24, 0.74, 0.36], np.float32)
_FILL = np.array([0.50, 0.48, 0.66], np.float32)
_SUN = np.array([1.0, 0.62, 0.24], np.float32)
_HAZE = np.array([0.98, 0.47, 0.17], np.float32)
_SKY = np.array(
    [
        [1.0, 0.44, 0.10],
        [0.88, 0.29, 0.13],
        [0.50, 0.20, 0.23],
        [0.17, 0.14, 0.30],
        [0.06, 0.08, 0.22],
    ],
    np.float32,
)
"""From the horizon to the top of the picture, linear light."""


class _SunsetLayer:
    def __init__(self, cue: Cue, scene: Scene, seed: int) -> None:
        self._cue, self._scene = cue, scene
        self._plate = Plate(scene.width, scene.height)
        self._views = Views(scene)
        self._anchor = Anchor(scene, self._plate.size)
        self._clouds = Clouds(self._plate.size, seed, 0.35, 0.55)
        self._sun: tuple[float, float, bool] | None = None
        self._born = (0.0, 0.0)
        self._low = 0.5
        self._cuts = cuts(scene)
        self._left = light_left(scene)
        self._tint = np.array(cue.colour or (1, 1, 1), np.float32)

    def draw(self, picture: Picture, frame: int) -> Picture:
        time_s = float(self._scene.times_s[frame])
        there = presence(self._cue, time_s)
        if there == 0:
            return picture
        plate = self._plate
        plate.begin(picture)
        plate.exposure = float(self._left[frame])
        if self._cuts[frame]:
            self._sun = None
        sky, depth = (plate.fit(field) for field in self._views.at(frame))
        sky = tighten(sky, plate.light)
        amount = there * (0.62 + 0.5 * min(self._cue.strength, 1))
        x, y, seen = self._place(sky, frame)
        near = self._near(x, y)
        self._light(x, near, sky, depth, min(amount, 1))
        self._burn(sky, near, frame, time_s, there)
        self._fill_air(x, y, near, sky, depth, amount, seen=seen)
        return plate.develop(picture, tone=toned(0.10 * there))

    def _place(self, sky: Field, frame: int) -> tuple[float, float, bool]:
        """Return where the sun is in plate pixels, and whether it stands in open sky."""
        if self._sun is None:
            self._sun = _find_sun(sky, self._cue)
            self._low = _lowest(sky, self._scene.ground)
            self._born = self._anchor.shift(frame)
        dx, dy = self._anchor.shift(frame)
        x, y, seen = self._sun
        return x + dx - self._born[0], y + dy - self._born[1], seen

    def _near(self, x: float, y: float) -> Field:
        """Return the distance from the sun in long sides, ``[h, w]``."""
        w, h = self._plate.size
        long = max(w, h)
        columns = (np.arange(w, dtype=np.float32)[None] - np.float32(x)) / long
        rows = (np.arange(h, dtype=np.float32)[:, None] - np.float32(y)) / long
        return np.hypot(columns, rows)

    def _light(self, x: float, near: Field, sky: Field, depth: Field, amount: float) -> None:
        """Split the light into a warm key from the sun's side and a cool fill from above."""
        plate = self._plate
        w = plate.size[0]
        relief = cv2.GaussianBlur(plate.guide, (0, 0), w / 100)
        across = np.asarray(cv2.Sobel(relief, cv2.CV_32F, 1, 0))
        side = np.clip((np.arange(w, dtype=np.float32)[None] - x) / (0.25 * w), -1, 1)
        # Seen from the lens the sun is behind things near it and beside those far from it.
        faces = np.clip(0.42 + 3.4 * side * across, 0, 1.25)
        lit = faces * (0.72 + 0.45 * np.clip(plate.guide, 0, 1))
        against = np.exp(-((near / 0.30) ** 2)) * (1 - depth) * 0.45
        key = (lit * (1 - against))[..., None] * _KEY * self._tint
        want = 0.40 * _FILL + 0.82 * key
        plate.gain[:] = (want - 1) * amount
        plate.fade[:] = 0.16 * amount * (1 - lit)
        rim = cv2.GaussianBlur(np.asarray(sky, np.float32), (0, 0), w / 64) * (1 - sky)
        plate.glow[:] += (rim * np.exp(-near / 0.32) * 0.55 * amount)[..., None] * _SUN

    def _burn(self, sky: Field, near: Field, frame: int, time_s: float, there: float) -> None:
        """Paint the sky: its colours rise from the horizon, clouds are lit from beneath."""
        plate = self._plate
        h = plate.size[1]
        low = self._low
        up = np.clip(1 - (np.arange(h, dtype=np.float32)[:, None] + 0.5) / h / low, 0, 1)
        height = np.clip(up * 0.9 + 0.55 * np.clip(near - 0.12, 0, 1), 0, 1) * (len(_SKY) - 1)
        base = np.minimum(height.astype(np.intp), len(_SKY) - 2)
        rest = (height - base)[..., None]
        colour = _SKY[base] * (1 - rest) + _SKY[base + 1] * rest
        dense, lit = self._clouds.at(time_s, self._anchor.shift(frame, 0.8), low + 0.12)
        own = cv2.GaussianBlur(plate.light @ LUMA, (0, 0), plate.size[0] / 200)
        mean = float((own * sky).sum() / max(float(sky.sum()), 1))
        shape = np.clip(own / max(mean, 1e-3), 0.55, 1.5)[..., None]
        body = np.clip((dense - 0.42) * 2.2, 0, 0.85)[..., None]
        flame = _SUN * (0.35 + 0.9 * lit[..., None]) * np.exp(-near * 1.7)[..., None]
        cloud = colour * 0.42 + flame * 0.75
        heaven = (colour * (1 - body) + cloud * body) * (0.6 + 0.4 * shape) * 0.92
        plate.heaven[:] = np.clip(heaven * self._tint, 0, 1)
        plate.cover_sky((sky * there).astype(np.float32))

    def _fill_air(
        self,
        x: float,
        y: float,
        near: Field,
        sky: Field,
        depth: Field,
        amount: float,
        *,
        seen: bool,
    ) -> None:
        """Fill the air with light: haze far away, a glow round the sun, shafts of it."""
        plate = self._plate
        toward = np.exp(-near / 0.42)
        plate.air[:] = _HAZE * self._tint * (0.34 + 0.5 * toward)[..., None]
        veil = amount * (0.08 + 0.5 * toward) * depth**2 * (1 - 0.8 * sky)
        plate.veil(np.clip(veil, 0, 0.8).astype(np.float32))
        halo = 0.26 * np.exp(-((near / 0.20) ** 2)) + 0.22 * np.exp(-near / 0.30)
        if seen:
            disc = np.clip((0.023 - near) * max(plate.size) * 0.5 + 0.5, 0, 1)
            halo = halo + (9.0 * disc + 1.7 * np.exp(-near / 0.035)) * np.clip(
                1.6 * sky - 0.5, 0, 1
            )
        source = np.clip(sky, 0, 1) * np.exp(-((near / 0.28) ** 2))
        halo = halo + 0.7 * shafts(source.astype(np.float32), x, y)
        # Air close to the lens is thin: what is near keeps its blacks.
        halo = halo * (0.3 + 0.7 * np.maximum(depth, sky))
        plate.glow[:] += (halo * amount)[..., None] * _SUN * self._tint


def _lowest(sky: Field, ground: float) -> float:
    """Return the row down to which sky is seen, 0..1; the ground where there is none."""
    rows = np.flatnonzero((sky > 0.5).mean(1) > 0.05)
    return max(0.25, float(rows[-1] + 1) / len(sky)) if len(rows) else max(0.3, ground - 0.15)


def _find_sun(sky: Field, cue: Cue) -> tuple[float, float, bool]:
    """Return x, y in pixels of `sky` and whether the sun stands in open sky there."""
    h, w = sky.shape
    wanted = 0.5 + 0.38 * cue.direction if cue.direction else None
    if cue.place is not None:
        wanted = cue.place[0]
    clear = cv2.blur((sky > 0.7).astype(np.float32), (w // 14 | 1, w // 14 | 1))
    rows = (np.arange(h)[:, None] + 0.5) / h
    columns = (np.arange(w)[None] + 0.5) / w
    aim = (
        np.abs(columns - wanted)
        if wanted is not None
        else 0.35 * np.abs(np.abs(columns - 0.5) - 0.2)
    )
    # Low, clear of things, and where it was asked for.
    liked = np.where(clear > 0.9, 0.9 * rows - 1.6 * aim, -9)
    if liked.max() < -2:
        return (w * (wanted if wanted is not None else 0.86), 0.22 * h, False)
    row, column = np.unravel_index(int(np.argmax(liked)), liked.shape)
    return float(column), float(row), True


class Sunset:
    """A low sun."""

    name = "sunset"

    def prepare(self, cue: Cue, scene: Scene, seed: int, watch: Watch) -> Layer:
        """Return the sunset for a cue."""
        watch.check()
        return _SunsetLayer(cue, scene, seed)


EFFECT = Sunset()
