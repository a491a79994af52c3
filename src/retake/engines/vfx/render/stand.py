"""Where an effect stands in the picture: anchored to the scene, whatever the camera does."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from retake.engines.vfx.render.march import View
from retake.engines.vfx.scene.scene import Scene

_SPARE = 0.05
_LEAST = 4
_CELLS_PER_PIXEL = 0.6
_FEWEST_CELLS = 32.0


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


def cells_of(scene: Scene, size: float, most: float) -> float:
    """Return how many cells a unit gets: `most`, but none much smaller than a pixel."""
    return float(np.clip(_CELLS_PER_PIXEL * unit_of(scene, size), _FEWEST_CELLS, most))


def stand_at(scene: Scene, place: tuple[float, float], size: float, frame: int) -> Stand:
    """Return where the foot at `place` (0..1 of the section's first frame) is at `frame`."""
    m = scene.camera[frame]
    x, y = m @ np.array([place[0] * scene.width, place[1] * scene.height, 1.0])
    return Stand(float(x), float(y), unit_of(scene, size) * math.hypot(m[0, 0], m[1, 0]))


def buffer_map(stand: Stand, view: View, cells_per_unit: float) -> NDArray[np.float32]:
    """Return ``[4]``: output pixel -> pixel of the buffer that `view` describes, as in `Plate`."""
    pixel = stand.unit / cells_per_unit * view.cells
    x = view.middle / view.cells - view.columns[0] + 0.5 / pixel - 0.5
    y = view.top / view.cells - view.rows[0] + 0.5 / pixel - 0.5
    return np.array([1 / pixel, x - stand.x / pixel, 1 / pixel, y - stand.y / pixel], np.float32)


def cropped(view: View, stand: Stand, cells_per_unit: float, size: tuple[int, int]) -> View | None:
    """Return the part of `view` that a picture of `size` (width, height) can show; None if none.

    A margin is left for the camera's shaking and for glow that reaches in from outside.
    """
    ax, bx, ay, by = (float(v) for v in buffer_map(stand, view, cells_per_unit))
    width, height = size
    spare = _SPARE * max(width, height)
    columns = _overlap(view.columns, ax * -spare + bx, ax * (width + spare) + bx)
    rows = _overlap(view.rows, ay * -spare + by, ay * (height + spare) + by)
    if columns is None or rows is None:
        return None
    return replace(view, columns=columns, rows=rows)


def _overlap(span: tuple[int, int], start: float, stop: float) -> tuple[int, int] | None:
    first, last = max(span[0], math.floor(start)), min(span[1], math.ceil(stop) + 1)
    return (first, last) if last - first >= _LEAST else None
