# Compiled by numba: types come from the arguments, arithmetic is float32 throughout.
# ruff: noqa: ANN001, ANN201, RUF046
# pyright: basic
"""How the march reads its fields between their cells: the fluid, its light, the noise.

Fields are flat; a cell's place in one is an unsigned index, which spares the wrap-around test of
negative ones. All is inlined into the kernel, so numba does not notice a change here: touch
`marching` as well.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from retake.engines.vfx.sim.noise import SIZE

_0, _1 = np.float32(0), np.float32(1)
_HALF, _QUARTER = np.float32(0.5), np.float32(0.25)
_INSIDE = np.float32(1.01)
_FINE = np.float32(2.7)
_MASK = SIZE - 1
_u1, _u2, _u8 = np.uint64(1), np.uint64(2), np.uint64(8)
HEAT, SOOT = np.uint64(3), np.uint64(4)
"""Where temperature and soot are in a cell of the fluid; see `sim.advection`."""
_TX, _TY, _TZ = np.uint64(5), np.uint64(6), np.uint64(7)


@njit(inline="always")
def shares(fx, fy):
    """Return how much each corner counts at (fx, fy) of the way: 00, 01 (x), 10 (y), 11."""
    return (_1 - fx) * (_1 - fy), fx * (_1 - fy), (_1 - fx) * fy, fx * fy


@njit(inline="always")
def between(field, b, step, row, w):
    """Return `field` between the four cells at `b`, one `step` and one `row` on; w: `shares`."""
    return (
        field[b] * w[0]
        + field[b + step] * w[1]
        + field[b + row] * w[2]
        + field[b + row + step] * w[3]
    )


@njit(inline="always")
def cell_at(x, y, k, ny, nx):
    """Return the index of the fluid's cell at (x, y) of slab k, and its corners' `shares`."""
    i = int(x)
    j = int(y)
    b = np.uint64(((k * ny + j) * nx + i) * 8)
    return b, shares(x - np.float32(i), y - np.float32(j))


@njit(inline="always")
def blown(s, b, row, w):
    """Return the gas' speed u, v across the picture."""
    return between(s, b, _u8, row, w), between(s, b + _u1, _u8, row, w)


@njit(inline="always")
def carried(s, b, row, w):
    """Return how far the gas has carried its texture along: tx, ty, tz."""
    return (
        between(s, b + _TX, _u8, row, w),
        between(s, b + _TY, _u8, row, w),
        between(s, b + _TZ, _u8, row, w),
    )


@njit(inline="always")
def within(s, b, row, slab, w, j):
    """Return `s` at cell `b` and `j` of the way to the next slab."""
    near = between(s, b, _u8, row, w)
    return near * (_1 - j) + between(s, b + slab, _u8, row, w) * j


@njit(inline="always")
def light_at(light, x, y, k, lit):
    """Return the sky's light and the fire's own at (x, y) of the fluid's slab k.

    `lit` is the size of `light`, z, y, x: half of the fluid's.
    """
    lz, ly, lx = lit
    hz = min(k >> 1, lz - 1)
    hyf = min(max(y * _HALF - _QUARTER, _0), np.float32(ly) - _INSIDE)
    hxf = min(max(x * _HALF - _QUARTER, _0), np.float32(lx) - _INSIDE)
    hx = int(hxf)
    hy = int(hyf)
    b = np.uint64(((hz * ly + hy) * lx + hx) * 2)
    row = np.uint64(lx * 2)
    e = shares(hxf - np.float32(hx), hyf - np.float32(hy))
    return between(light, b, _u2, row, e), between(light, b + _u1, _u2, row, e)


@njit(inline="always")
def grain_at(noise, x, y, z, fine):
    """Return the three noises at a point in texels; the third gets a finer octave added."""
    xf = np.float32(math.floor(x))
    yf = np.float32(math.floor(y))
    zf = np.float32(math.floor(z))
    i = int(xf) & _MASK
    j = int(yf) & _MASK
    i1 = (i + 1) & _MASK
    j1 = (j + 1) & _MASK
    v = shares(x - xf, y - yf)
    n0 = _0
    n1 = _0
    n2 = _0
    for side in range(2):
        k = (int(zf) + side) & _MASK
        near = _1 - (z - zf) if side == 0 else z - zf
        q00 = np.uint64(((k * SIZE + j) * SIZE + i) * 3)
        q01 = np.uint64(((k * SIZE + j) * SIZE + i1) * 3)
        q10 = np.uint64(((k * SIZE + j1) * SIZE + i) * 3)
        q11 = np.uint64(((k * SIZE + j1) * SIZE + i1) * 3)
        a00 = v[0] * near
        a01 = v[1] * near
        a10 = v[2] * near
        a11 = v[3] * near
        n0 += noise[q00] * a00 + noise[q01] * a01 + noise[q10] * a10 + noise[q11] * a11
        n1 += (
            noise[q00 + _u1] * a00
            + noise[q01 + _u1] * a01
            + noise[q10 + _u1] * a10
            + noise[q11 + _u1] * a11
        )
        n2 += (
            noise[q00 + _u2] * a00
            + noise[q01 + _u2] * a01
            + noise[q10 + _u2] * a10
            + noise[q11 + _u2] * a11
        )
    # The finer octave's texels are about as small as a pixel: the nearest will do.
    k = int(math.floor(z * _FINE)) & _MASK
    j = int(math.floor(y * _FINE)) & _MASK
    i = int(math.floor(x * _FINE)) & _MASK
    return n0, n1, n2 + fine * noise[np.uint64(((k * SIZE + j) * SIZE + i) * 3)]
