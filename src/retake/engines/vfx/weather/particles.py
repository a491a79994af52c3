"""Drawing many small soft things onto one plane of coverage."""

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray

_U = np.uint64
_ZERO, _ONE = np.float32(0), np.float32(1)

Values = NDArray[np.floating[Any]]


def draw_streaks(
    canvas: Values,
    x: Values,
    y: Values,
    dx: Values | float,
    dy: Values | float,
    width: Values | float,
    cover: Values | float,
) -> None:
    """Draw soft lines into `canvas`, ``[H, W]`` coverage 0..1.

    Args:
        canvas: Changed in place.
        x: Where each line begins, in pixels, ``[n]``.
        y: The same, downwards.
        dx: From its beginning to its end, to the right.
        dy: The same, downwards; the longer one for most.
        width: Across, pixels; under one pixel the line gets fainter instead.
        cover: Coverage at its middle, 0..1; it thins out towards both ends.
    """
    args = (x, y, dx, dy, width, cover)
    _streaks(canvas, *_columns(args))


def draw_discs(
    canvas: Values,
    x: Values,
    y: Values,
    radius: Values | float,
    soft: Values | float,
    squeeze: Values | float,
    cover: Values | float,
) -> None:
    """Draw soft discs into `canvas`, ``[H, W]`` coverage 0..1.

    Args:
        canvas: Changed in place.
        x: Centres in pixels, ``[n]``.
        y: The same, downwards.
        radius: Pixels across half of the disc; under one pixel it gets fainter instead.
        soft: 0 (a defocused disc with an edge) .. 1 (a blob without one).
        squeeze: Height over width.
        cover: Coverage at the middle, 0..1.
    """
    args = (x, y, radius, soft, squeeze, cover)
    _discs(canvas, *_columns(args))


def _columns(args: tuple[Values | float, ...]) -> list[Values]:
    """Return every argument as float32 of one length; one number stands for all."""
    return [np.ascontiguousarray(a, np.float32) for a in np.broadcast_arrays(*args)]


@nb.njit(cache=True, error_model="numpy", nogil=True)
def _streaks(canvas, xs, ys, dxs, dys, widths, covers):  # noqa: ANN001, ANN202  # pyright: ignore
    height, width = canvas.shape
    for n in range(len(xs)):
        cover = covers[n]
        dy = dys[n]
        if cover <= np.float32(0.002) or dy == 0:
            continue
        wide = max(widths[n], np.float32(0.9))
        cover *= min(widths[n] / wide, _ONE)
        slope = dxs[n] / dy
        top, bottom = min(ys[n], ys[n] + dy), max(ys[n], ys[n] + dy)
        long = max(bottom - top, _ONE)
        reach = wide * np.float32(1.5) * np.float32(np.sqrt(_ONE + slope * slope))
        first, last = max(int(np.ceil(top)), 0), min(int(bottom), height - 1)
        for row in range(first, last + 1):
            along = (np.float32(row) - top) / long
            fade = np.float32(4) * along * (_ONE - along) * cover
            middle = xs[n] + (np.float32(row) - ys[n]) * slope
            left, right = max(int(middle - reach), 0), min(int(middle + reach) + 1, width - 1)
            for column in range(left, right + 1):
                off = abs(np.float32(column) - middle) / reach
                if off < _ONE:
                    a = (_ONE - off * off) * (_ONE - off * off) * fade
                    canvas[_U(row), _U(column)] += (_ONE - canvas[_U(row), _U(column)]) * a


@nb.njit(cache=True, error_model="numpy", nogil=True)
def _discs(canvas, xs, ys, radii, softs, squeezes, covers):  # noqa: ANN001, ANN202  # pyright: ignore
    height, width = canvas.shape
    for n in range(len(xs)):
        cover = covers[n]
        if cover <= np.float32(0.002):
            continue
        r = max(radii[n], np.float32(0.8))
        cover *= min(radii[n] / r, _ONE) ** 2
        tall = max(r * squeezes[n], np.float32(0.6))
        # The edge is as wide as the softness says, but never sharper than a pixel.
        edge = max(softs[n], min(_ONE, np.float32(1.2) / r))
        first, last = max(int(ys[n] - tall - 1), 0), min(int(ys[n] + tall + 1), height - 1)
        left, right = max(int(xs[n] - r - 1), 0), min(int(xs[n] + r + 1), width - 1)
        for row in range(first, last + 1):
            v = (np.float32(row) - ys[n]) / tall
            for column in range(left, right + 1):
                u = (np.float32(column) - xs[n]) / r
                inside = min((_ONE - np.float32(np.sqrt(u * u + v * v))) / edge, _ONE)
                if inside > _ZERO:
                    a = inside * inside * (np.float32(3) - np.float32(2) * inside) * cover
                    canvas[_U(row), _U(column)] += (_ONE - canvas[_U(row), _U(column)]) * a
