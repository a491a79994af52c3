"""The compositor: one pass over the picture puts effect, light, haze, sparks and exposure in.

Everything is added in linear light. Bright things saturate softly, as film does: added light e
leaves 1 - (1 - s) f(e) with f close to exp(-e), so nothing clips and colours turn white-hot.
A pixel that nothing touches keeps its exact value.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retake.engines.vfx.effects.effect import Picture
from retake.engines.vfx.render.blending import compose_rows
from retake.engines.vfx.render.curve import to_display, to_linear
from retake.engines.vfx.rows import run_rows

FIELDS = 8
"""Channels of a field: light R, G, B; added R, G, B; displacement x and y in output pixels."""


@dataclass(frozen=True)
class Plate:
    """What one frame's compositing needs beside the picture.

    Attributes:
        buffer: The effect, ``[h, w, 4]`` premultiplied linear RGBA.
        to_buffer: ``[4]``: output pixel x, y -> buffer x * [0] + [1], y * [2] + [3].
        field: ``[h, w, 8]`` float32 at a small size, see `FIELDS`.
        front: ``[h, w]`` float32 at a small size: 1 where something stands before the effect.
        sparks: ``[H, W]`` uint8 at full size, or ``[1, 1]`` when there are none.
        shake: ``[2, 3]`` output pixel -> pixel of the steady picture; None when it is steady.
        exposure: Factor on the light of the source.
    """

    buffer: NDArray[np.float32]
    to_buffer: NDArray[np.float32]
    field: NDArray[np.float32]
    front: NDArray[np.float32]
    sparks: NDArray[np.uint8]
    shake: NDArray[np.float32] | None
    exposure: float


def compose(picture: Picture, plate: Plate, dither: NDArray[np.float32]) -> Picture:
    """Return `picture` with `plate` put in; the argument is left alone.

    `dither` is ``[64, 64]`` in -0.5..0.5: an 8-bit step of grain, so that soft glows don't band.
    """
    out = np.empty_like(picture)
    steady = np.array([[1, 0, 0], [0, 1, 0]], np.float32)
    run_rows(
        compose_rows,
        picture.shape[0],
        picture,
        out,
        plate.buffer,
        plate.to_buffer,
        plate.field,
        plate.front,
        plate.sparks,
        steady if plate.shake is None else plate.shake,
        plate.shake is not None,
        np.float32(plate.exposure),
        to_linear(),
        to_display(),
        dither,
    )
    return out
