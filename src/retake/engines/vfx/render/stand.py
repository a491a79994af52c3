"""Where an effect stands in the picture: anchored to the scene, whatever the camera does."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retake.engines.vfx.render.march import View
from retake.engines.vfx.scene.scene import Scene


@dataclass(frozen=True, slots=True)
class Stand:
    """The effect's foot in one frame.

    Attributes:
        x, y: Where its foot is, output pixels.
        unit: How many output pixels one unit of length has; everything scales with it.
    """

    x: float
    y: float
    unit: float


def unit_of(scene: Scene, size: float) -> float:
    """Return the pixels of one unit of length: the height of a wide picture, less of a tall one."""
    return size * min(scene.height, 0.9 * scene.width)


def stand_at(scene: Scene, place: tuple[float, float], size: float, frame: int) -> Stand:
    """Return where the foot at `place` (0..1 of the section's first frame) is at `frame`."""
    m = scene.camera[frame]
    x, y = m @ np.array([place[0] * scene.width, place[1] * scene.height, 1.0])
    return Stand(float(x), float(y), unit_of(scene, size) * math.hypot(m[0, 0], m[1, 0]))


def buffer_map(stand: Stand, view: View, cells_per_unit: float) -> NDArray[np.float32]:
    """Return ``[4]``: output pixel -> pixel of the buffer that `view` describes, as in `Plate`."""
    wide = stand.unit / cells_per_unit * view.cells_x
    tall = stand.unit / cells_per_unit * view.cells_y
    left = stand.x - view.width / 2 * wide
    top = stand.y - view.top / view.cells_y * tall
    return np.array(
        [1 / wide, 0.5 / wide - left / wide - 0.5, 1 / tall, 0.5 / tall - top / tall - 0.5],
        np.float32,
    )
