"""The plate: what an effect wants of a frame, at a fraction of its size; all zero is "nothing"."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from retake.engines.vfx.effects.effect import Picture
from retake.engines.vfx.rows import run_rows
from retake.engines.vfx.weather.curves import LIGHT, LUMA, to_light
from retake.engines.vfx.weather.develop import CHANNELS, develop_rows

_QUARTER = 4
_SMALLEST, _LARGEST = 160, 480
_NOTHING = np.zeros((1, 1), np.float32)

Field = NDArray[np.floating[Any]]
"""Numbers over a plate; float32 where it matters."""


def plate_size(width: int, height: int) -> tuple[int, int]:
    """Return width and height of the fields for a picture: a quarter, 160 to 480 at the most."""
    long_side = max(width, height)
    wanted = min(long_side, max(_SMALLEST, min(_LARGEST, long_side / _QUARTER)))
    return max(2, round(width * wanted / long_side)), max(2, round(height * wanted / long_side))


class Plate:
    """Fields over one frame, and the pass that develops them onto it.

    Call `begin` for each frame, fill in what is wanted, then `develop`. Fields are ``[h, w]`` or
    ``[h, w, 3]`` float32 of linear light; anything that broadcasts to that may be assigned.

    Attributes:
        size: Width and height of the fields.
        light: The frame's linear light at this size, ``[h, w, 3]``.
        guide: The frame's display-referred luma at this size, ``[h, w]``.
        gain: Light multiplied by ``1 + gain``, rolled off towards white, ``[h, w, 3]``.
        fade: How much colour is taken out, 0..1.
        air: Colour of the veil, see `veil`.
        heaven: Colour of what is painted over the sky, see `cover_sky`.
        add: Light added before the veil, ``[h, w, 3]``.
        exposure: Scales all light that is added or painted; less than 1 while a shot fades.
        glow: Light added on top of everything, screened, ``[h, w, 3]``.
    """

    def __init__(self, width: int, height: int) -> None:
        self.size = plate_size(width, height)
        w, h = self.size
        self._data = np.zeros((h, w, CHANNELS), np.float32)
        self.gain = self._data[..., 4:7]
        self.fade = self._data[..., 7]
        self.air = self._data[..., 8:11]
        self.heaven = self._data[..., 11:14]
        self.add = self._data[..., 14:17]
        self.glow = self._data[..., 17:20]
        self.exposure = 1.0
        self.light = np.zeros((h, w, 3), np.float32)
        self.guide = np.zeros((h, w), np.float32)

    def begin(self, picture: Picture) -> None:
        """Take the next frame and forget the fields of the last one."""
        self._data.fill(0)
        small = cv2.resize(picture, self.size, interpolation=cv2.INTER_AREA)
        codes = small.astype(np.float32) / np.float32(65535)
        self.guide = np.asarray(codes @ LUMA, np.float32)
        self.light = to_light(codes)

    def fit(self, field: NDArray[np.float32]) -> Field:
        """Return a smaller field, such as the scene's, at the plate's size."""
        return np.asarray(cv2.resize(field, self.size, interpolation=cv2.INTER_LINEAR), np.float32)

    def daylight(self, sky: Field) -> float:
        """Return how bright a matt white thing would be, linear 0..1, as the sky allows it.

        Lit windows at night are as bright as walls by day; the sky tells them apart.
        """
        luma = self.light @ LUMA
        day = float(np.percentile(luma, 85))
        area = float(sky.sum())
        if area > 0.01 * sky.size:
            day = min(day, 0.03 + 2.2 * float((luma * sky).sum()) / area)
        return min(max(day, 0.01), 0.8)

    def veil(self, amount: Field) -> None:
        """Cover the frame with `air`, 0 (clear) .. 1 (hidden), following the frame's outlines."""
        self._data[..., 0], self._data[..., 1] = self._guided(amount, 2e-3)

    def cover_sky(self, amount: Field) -> None:
        """Paint `heaven` where `amount` is 1, following the frame's outlines."""
        self._data[..., 2], self._data[..., 3] = self._guided(amount, 4e-4)

    def develop(
        self,
        picture: Picture,
        *,
        tone: NDArray[np.float32] = LIGHT,
        particles: NDArray[np.float32] | None = None,
        lit: tuple[float, float, float] = (1.0, 1.0, 1.0),
    ) -> Picture:
        """Return `picture`, changed in place.

        Args:
            picture: The frame that `begin` was given.
            tone: Light of the code ``k / 4096``, as `curves.LIGHT`.
            particles: How much of each pixel particles cover, ``[H, W]`` float32, 0..1.
            lit: Their linear colour.
        """
        used = particles is not None
        if self.exposure != 1:
            self._data[..., 8:] *= np.float32(self.exposure)
            lit = (lit[0] * self.exposure, lit[1] * self.exposure, lit[2] * self.exposure)
        # Screening once here spares the full-size pass a division per channel.
        glow = np.maximum(self.glow, 0)
        self.glow[:] = 1 - 1 / (1 + glow + 0.5 * glow * glow)
        drops = particles if particles is not None else _NOTHING
        colour = (np.float32(lit[0]), np.float32(lit[1]), np.float32(lit[2]))
        run_rows(develop_rows, len(picture), picture, self._data, tone, drops, used, colour)
        return picture

    def _guided(self, field: Field, smoothness: float) -> tuple[Field, Field]:
        """Return a and b of ``field = a * guide + b`` (He, Sun, Tang: guided image filter)."""
        radius = max(3, self.size[0] // 36) | 1
        guide, box = self.guide, (radius, radius)
        field = np.asarray(field, np.float32)
        mean_i, mean_p = cv2.blur(guide, box), cv2.blur(field, box)
        cov = cv2.blur(guide * field, box) - mean_i * mean_p
        var = cv2.blur(guide * guide, box) - mean_i * mean_i
        a = cov / (var + np.float32(smoothness))
        b = mean_p - a * mean_i
        return np.asarray(cv2.blur(a, box), np.float32), np.asarray(cv2.blur(b, box), np.float32)
