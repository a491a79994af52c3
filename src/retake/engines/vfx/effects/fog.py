"""Fog: thin near the eye, thick far away, drifting in banks that stand between things."""

from __future__ import annotations

import cv2
import numpy as np

from retake.core.watch import Watch
from retake.engines.vfx.chance import generator
from retake.engines.vfx.effects.effect import Layer, Picture
from retake.engines.vfx.events import presence
from retake.engines.vfx.plan import Cue
from retake.engines.vfx.scene.scene import Scene
from retake.engines.vfx.scene.views import Views
from retake.engines.vfx.weather.anchor import Anchor
from retake.engines.vfx.weather.noise import cloud_tile, window
from retake.engines.vfx.weather.plate import Field, Plate

_BANKS = ((0.16, 1.5, 0.9), (0.38, 2.3, 0.62), (0.66, 3.4, 0.4))
"""Depth at which a bank stands, tile pixels a plate pixel (at 320 wide), drift against the next."""


class _FogLayer:
    def __init__(self, cue: Cue, scene: Scene, seed: int) -> None:
        self._cue, self._scene = cue, scene
        self._plate = Plate(scene.width, scene.height)
        self._views = Views(scene)
        self._anchor = Anchor(scene, self._plate.size)
        self._tiles = [cloud_tile(seed, f"fog {k}", 1.65, 2.0) for k in range(2)]
        draw = generator(seed, "fog")
        self._starts = draw.uniform(0, 512, (len(_BANKS), 2, 2))
        wind = cue.direction if cue.direction else float(draw.choice([-0.5, 0.5]))
        self._wind = wind

    def draw(self, picture: Picture, frame: int) -> Picture:
        time_s = float(self._scene.times_s[frame])
        there = presence(self._cue, time_s)
        if there == 0:
            return picture
        plate = self._plate
        plate.begin(picture)
        sky, depth = (plate.fit(field) for field in self._views.at(frame))
        amount = there * (0.45 + 0.95 * self._cue.strength)
        clear = self._clear(depth, time_s, frame, amount)
        veil = 1 - clear * (1 - 0.985 * there * np.clip(amount, 0, 1) * sky**1.5)
        air = self._air()
        plate.air[:] = air
        plate.veil(veil.astype(np.float32))
        # Light that fog scatters comes from all around: colour and contrast go before brightness.
        plate.fade[:] = np.clip(0.15 * there + 0.45 * veil, 0, 1) * there
        haze = cv2.GaussianBlur(plate.light, (0, 0), plate.size[0] / 40)
        plate.gain[:] = -0.16 * there
        plate.add[:] = haze * (0.13 * there) + air * (0.03 * there)
        return plate.develop(picture)

    def _clear(self, depth: Field, time_s: float, frame: int, amount: float) -> Field:
        """Return the share of light that comes through all banks, ``[h, w]``."""
        w, h = self._plate.size
        scale = 320 / max(w, h)
        up = np.linspace(1, 0, h, dtype=np.float32)[:, None]
        thick = 0.25 * depth + 1.35 * depth**2.2
        for number, (stands, zoom, pace) in enumerate(_BANKS):
            dx, dy = self._anchor.shift(frame, 1 - 0.5 * stands)
            drift = self._wind * time_s * 46 * pace
            pair = [
                window(
                    tile,
                    (w, h),
                    scale * zoom * (1 + 0.6 * k),
                    (
                        start[0] - dx * scale * zoom - drift * (1 + 0.7 * k),
                        start[1] - dy * scale * zoom + 5 * time_s * (1 - 2 * k),
                    ),
                )
                for k, (tile, start) in enumerate(
                    zip(self._tiles, self._starts[number], strict=True)
                )
            ]
            billow = np.clip((0.62 * pair[0] + 0.38 * pair[1] - 0.40) * 3.4, 0, 1.6)
            # A bank lies on the ground and hides only what is behind it.
            lies = np.exp(-(((up - 0.12 - 0.42 * stands) / (0.20 + 0.2 * stands)) ** 2))
            behind = np.clip((depth - stands + 0.12) / 0.24, 0, 1)
            thick = thick + billow * (0.3 + 0.85 * lies) * behind * (0.45 + 0.5 * stands)
        return np.exp(-1.25 * amount * thick).astype(np.float32)

    def _air(self) -> Field:
        """Return the fog's colour: the scene's own light, cooler and paler, brighter upwards."""
        light = self._plate.light
        w, h = self._plate.size
        mean = light.mean(axis=(0, 1))
        bright = np.percentile(light.reshape(-1, 3), 92, axis=0)
        tint = np.array(self._cue.colour or (0.93, 0.98, 1.04), np.float32)
        grey = float(0.45 * mean.mean() + 0.50 * bright.mean())
        colour = (0.75 * grey + 0.25 * (0.5 * mean + 0.5 * bright)) * tint
        up = np.linspace(1.12, 0.80, h, dtype=np.float32)[:, None, None]
        glow = cv2.GaussianBlur(light, (0, 0), w / 9).mean(2, keepdims=True)
        uneven = 0.78 + 0.4 * glow / max(float(glow.max()), 1e-3)
        return np.clip(colour * up * uneven, 0, 0.92).astype(np.float32)


class Fog:
    """Depth-aware fog."""

    name = "fog"

    def prepare(self, cue: Cue, scene: Scene, seed: int, watch: Watch) -> Layer:
        """Return the fog for a cue."""
        watch.check()
        return _FogLayer(cue, scene, seed)


EFFECT = Fog()
