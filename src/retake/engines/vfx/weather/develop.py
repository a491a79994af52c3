"""The one pass at full size: tone, colour, sky, veil, glow and particles, fused."""

from __future__ import annotations

import numba as nb
import numpy as np

from retake.engines.vfx.weather.curves import CODE_OF_ROOT

CHANNELS = 20
"""Of a plate: veil a, b; sky a, b; gain 3; fade; air 3; heaven 3; add 3; screen 3."""

_ZERO, _ONE = np.float32(0), np.float32(1)
_STEPS = np.float32(4096)
_TO_UNIT = np.float32(1 / 65535)
_TO_STEP = np.float32(4096 / 65535)
_HALF = np.float32(0.5)
_R, _G, _B = np.float32(0.2126), np.float32(0.7152), np.float32(0.0722)
# Unsigned indices spare the compiler the test for negative ones, half of the kernel's time.
_U = np.uint64


@nb.njit(cache=True, error_model="numpy", nogil=True, inline="always")
def _unit(x):  # noqa: ANN001, ANN202  # pyright: ignore
    x = x if x > _ZERO else _ZERO
    return x if x < _ONE else _ONE


@nb.njit(cache=True, error_model="numpy", nogil=True, inline="always")
def _lookup(table, at):  # noqa: ANN001, ANN202  # pyright: ignore
    k = np.int32(at)
    rest = at - np.float32(k)
    low = table[_U(k)]
    return low + (table[_U(k) + _U(1)] - low) * rest


@nb.njit(cache=True, error_model="numpy", nogil=True, inline="always")
def _finish(light, luma, v, c, sky, veil, lit, cover):  # noqa: ANN001, ANN202  # pyright: ignore
    """Return the 16-bit code of one channel; `v` holds the plate at this pixel."""
    t = light + (luma - light) * v[7]
    gain = v[4 + c]
    # Gain above one rolls off towards white like film; below one it is plain.
    if gain > _ZERO:
        t = (t + gain * t) / (_ONE + gain * t)
    else:
        t += gain * t
    t += v[14 + c]
    t += (v[11 + c] - t) * sky
    t += (v[8 + c] - t) * veil
    t += (_ONE - t) * v[17 + c]
    t += (lit - t) * cover
    return np.uint16(_lookup(CODE_OF_ROOT, np.sqrt(_unit(t)) * _STEPS) + _HALF)


@nb.njit(cache=True, error_model="numpy", nogil=True)
def develop_rows(start, stop, picture, plate, tone, drops, use_drops, lit):  # noqa: ANN001, ANN201  # pyright: ignore
    """Develop the rows [start, stop) of `picture` in place; see `plate.Plate` for the fields."""
    height, width, _ = picture.shape
    h, w, _ = plate.shape
    line = np.empty((w, CHANNELS), np.float32)
    v = np.empty(CHANNELS, np.float32)
    step_y, step_x = np.float32(h) / np.float32(height), np.float32(w) / np.float32(width)
    lit_r, lit_g, lit_b = lit
    for y in range(start, stop):
        fy = min(max((np.float32(y) + _HALF) * step_y - _HALF, _ZERO), np.float32(h - 1))
        j = min(int(fy), h - 2)
        fy -= np.float32(j)
        upper, lower = plate[_U(j)], plate[_U(j + 1)]
        for i in range(w):
            for c in range(CHANNELS):
                near = upper[_U(i), _U(c)]
                line[_U(i), _U(c)] = near + (lower[_U(i), _U(c)] - near) * fy
        row = picture[_U(y)]
        for x in range(width):
            fx = (np.float32(x) + _HALF) * step_x - _HALF
            fx = fx if fx > _ZERO else _ZERO
            i = np.int32(fx)
            i = i if i < w - 2 else w - 2
            fx -= np.float32(i)
            fx = fx if fx < _ONE else _ONE
            for c in range(CHANNELS):
                near = line[_U(i), _U(c)]
                v[_U(c)] = near + (line[_U(i) + _U(1), _U(c)] - near) * fx
            at = _U(x)
            red, green = np.float32(row[at, _U(0)]), np.float32(row[at, _U(1)])
            blue = np.float32(row[at, _U(2)])
            guide = (red * _R + green * _G + blue * _B) * _TO_UNIT
            red, green = _lookup(tone, red * _TO_STEP), _lookup(tone, green * _TO_STEP)
            blue = _lookup(tone, blue * _TO_STEP)
            luma = red * _R + green * _G + blue * _B
            veil = _unit(v[0] * guide + v[1])
            sky = _unit(v[2] * guide + v[3])
            cover = _unit(drops[_U(y), at]) if use_drops else _ZERO
            row[at, _U(0)] = _finish(red, luma, v, 0, sky, veil, lit_r, cover)
            row[at, _U(1)] = _finish(green, luma, v, 1, sky, veil, lit_g, cover)
            row[at, _U(2)] = _finish(blue, luma, v, 2, sky, veil, lit_b, cover)
