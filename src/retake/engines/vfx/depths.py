"""Between the source's bit depth and the 16 bits that layers draw on."""

from __future__ import annotations

import numba as nb
import numpy as np

from retake.engines.engine import Frame
from retake.engines.vfx.chance import generator
from retake.engines.vfx.effects.effect import Picture
from retake.engines.vfx.rows import run_rows

_TILE = 128
_PER_CODE = 257
"""16-bit codes per 8-bit code: 255 x 257 = 65535."""


def to_picture(frame: Frame) -> Picture:
    """Return `frame` as a picture that may be changed; 8-bit codes are scaled by 257."""
    if frame.dtype == np.uint8:
        return frame.astype(np.uint16) * np.uint16(_PER_CODE)
    return np.array(frame, np.uint16, order="C")


class Rounding:
    """Brings pictures back to the source's depth without bands in fog and dusk.

    Going down to 8 bits, noise decides which way a value between two codes goes. An exact code
    stays what it is, whatever the noise: what no layer touched comes out as it went in.
    """

    def __init__(self, seed: int) -> None:
        draw = generator(seed, "rounding")
        self._noise = draw.integers(0, _PER_CODE, (_TILE, _TILE), np.int32)

    def __call__(self, picture: Picture, like: Frame, frame: int) -> Frame:
        """Return `picture` with the depth of `like`; `frame` moves the noise."""
        if like.dtype == np.uint16:
            return picture
        out = np.empty(picture.shape, np.uint8)
        shift_y, shift_x = frame * 37 % _TILE, frame * 59 % _TILE
        run_rows(_round_rows, len(out), picture, self._noise, shift_y, shift_x, out)
        return out


@nb.njit(cache=True, error_model="numpy", nogil=True)
def _round_rows(start, stop, picture, noise, shift_y, shift_x, out):  # noqa: ANN001, ANN202  # pyright: ignore
    for y in range(start, stop):
        line = noise[(y + shift_y) & 127]
        for x in range(picture.shape[1]):
            grain = line[(x + shift_x) & 127]
            for c in range(3):
                out[y, x, c] = min((np.int32(picture[y, x, c]) + grain) // np.int32(257), 255)
