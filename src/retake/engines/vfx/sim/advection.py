# Compiled by numba: types come from the arguments, arithmetic is float32 throughout.
# ruff: noqa: ANN001, ANN201, C901, PLR0915, PLW3301
# pyright: basic
"""MacCormack advection of the whole fluid state, in two passes.

The state is one interleaved array ``[z, y, x, 8]`` of float32: velocity u, v, w in cells a second,
temperature T, soot S, and a displacement tx, ty, tz that carries texture along. Interleaved, one
look-up of a position serves all eight quantities; unsigned flat indices spare the wrap-around
test of negative ones. Selle et al., "An unconditionally stable MacCormack method", 2008.
"""

from __future__ import annotations

import numpy as np
from numba import njit

CHANNELS = 8

_0 = np.float32(0)
_1 = np.float32(1)
_HALF = np.float32(0.5)
_EDGE = np.float32(1.001)
_STILL = np.float32(0.02)
_u1, _u2, _u8 = np.uint64(1), np.uint64(2), np.uint64(8)


@njit(nogil=True, cache=True, error_model="numpy")
def trace_back(k0, k1, a, o, nz, ny, nx, dt):
    """Write into `o` the flat state `a` traced back by `dt` seconds (semi-Lagrangian)."""
    X = np.float32(nx) - _EDGE
    Y = np.float32(ny) - _EDGE
    Z = np.float32(nz) - _EDGE
    row = np.uint64(nx * 8)
    slab = np.uint64(nx * ny * 8)
    acc = np.empty(8, np.float32)
    for k in range(k0, k1):
        for j in range(ny):
            for i in range(nx):
                b = np.uint64(((k * ny + j) * nx + i) * 8)
                du = dt * a[b]
                dv = dt * a[b + _u1]
                dw = dt * a[b + _u2]
                if (
                    abs(du) + abs(dv) + abs(dw) < _STILL
                    and a[b + np.uint64(3)] + a[b + np.uint64(4)] == _0
                ):
                    for c in range(8):
                        o[b + np.uint64(c)] = a[b + np.uint64(c)]
                    continue
                x = np.float32(i) - du
                y = np.float32(j) - dv
                z = np.float32(k) - dw
                out = x < _0 or z < _0 or x > X or z > Z or y > Y
                x = min(max(x, _0), X)
                y = min(max(y, _0), Y)
                z = min(max(z, _0), Z)
                xi = np.uint64(x)
                yi = np.uint64(y)
                zi = np.uint64(z)
                fx = x - np.float32(xi)
                fy = y - np.float32(yi)
                fz = z - np.float32(zi)
                p = (zi * np.uint64(ny) + yi) * row + xi * _u8
                w000 = (_1 - fx) * (_1 - fy) * (_1 - fz)
                w001 = fx * (_1 - fy) * (_1 - fz)
                w010 = (_1 - fx) * fy * (_1 - fz)
                w011 = fx * fy * (_1 - fz)
                w100 = (_1 - fx) * (_1 - fy) * fz
                w101 = fx * (_1 - fy) * fz
                w110 = (_1 - fx) * fy * fz
                w111 = fx * fy * fz
                for c in range(8):
                    q = p + np.uint64(c)
                    acc[c] = (
                        a[q] * w000
                        + a[q + _u8] * w001
                        + a[q + row] * w010
                        + a[q + row + _u8] * w011
                        + a[q + slab] * w100
                        + a[q + slab + _u8] * w101
                        + a[q + slab + row] * w110
                        + a[q + slab + row + _u8] * w111
                    )
                for c in range(8):
                    o[b + np.uint64(c)] = acc[c]
                if out:  # what flows in from outside is clean, cold air
                    o[b + np.uint64(3)] = _0
                    o[b + np.uint64(4)] = _0


@njit(nogil=True, cache=True, error_model="numpy")
def correct(k0, k1, a, f, o, nz, ny, nx, dt, relax):
    """Write into `o` the traced state `f` plus half the error of tracing it forward again.

    Values stay between those of the cells that they came from. The displacement grows by the way
    travelled and is multiplied by `relax` (0..1), so that texture is not drawn out for ever.
    """
    X = np.float32(nx) - _EDGE
    Y = np.float32(ny) - _EDGE
    Z = np.float32(nz) - _EDGE
    row = np.uint64(nx * 8)
    slab = np.uint64(nx * ny * 8)
    lo = np.empty(8, np.float32)
    hi = np.empty(8, np.float32)
    bk = np.empty(8, np.float32)
    for k in range(k0, k1):
        for j in range(ny):
            for i in range(nx):
                b = np.uint64(((k * ny + j) * nx + i) * 8)
                du = dt * a[b]
                dv = dt * a[b + _u1]
                dw = dt * a[b + _u2]
                if (
                    abs(du) + abs(dv) + abs(dw) < _STILL
                    and a[b + np.uint64(3)] + a[b + np.uint64(4)] == _0
                ):
                    for c in range(8):
                        o[b + np.uint64(c)] = a[b + np.uint64(c)]
                    continue
                x = min(max(np.float32(i) - du, _0), X)
                y = min(max(np.float32(j) - dv, _0), Y)
                z = min(max(np.float32(k) - dw, _0), Z)
                p = (np.uint64(z) * np.uint64(ny) + np.uint64(y)) * row + np.uint64(x) * _u8
                for c in range(8):
                    q = p + np.uint64(c)
                    s0 = a[q]
                    s1 = a[q + _u8]
                    s2 = a[q + row]
                    s3 = a[q + row + _u8]
                    s4 = a[q + slab]
                    s5 = a[q + slab + _u8]
                    s6 = a[q + slab + row]
                    s7 = a[q + slab + row + _u8]
                    lo[c] = min(min(min(s0, s1), min(s2, s3)), min(min(s4, s5), min(s6, s7)))
                    hi[c] = max(max(max(s0, s1), max(s2, s3)), max(max(s4, s5), max(s6, s7)))
                x = np.float32(i) + du
                y = np.float32(j) + dv
                z = np.float32(k) + dw
                edge = x < _0 or z < _0 or x > X or z > Z or y > Y or y < _0
                if edge:
                    for c in range(8):
                        o[b + np.uint64(c)] = f[b + np.uint64(c)]
                else:
                    xi = np.uint64(x)
                    yi = np.uint64(y)
                    zi = np.uint64(z)
                    fx = x - np.float32(xi)
                    fy = y - np.float32(yi)
                    fz = z - np.float32(zi)
                    p = (zi * np.uint64(ny) + yi) * row + xi * _u8
                    w000 = (_1 - fx) * (_1 - fy) * (_1 - fz)
                    w001 = fx * (_1 - fy) * (_1 - fz)
                    w010 = (_1 - fx) * fy * (_1 - fz)
                    w011 = fx * fy * (_1 - fz)
                    w100 = (_1 - fx) * (_1 - fy) * fz
                    w101 = fx * (_1 - fy) * fz
                    w110 = (_1 - fx) * fy * fz
                    w111 = fx * fy * fz
                    for c in range(8):
                        q = p + np.uint64(c)
                        bk[c] = (
                            f[q] * w000
                            + f[q + _u8] * w001
                            + f[q + row] * w010
                            + f[q + row + _u8] * w011
                            + f[q + slab] * w100
                            + f[q + slab + _u8] * w101
                            + f[q + slab + row] * w110
                            + f[q + slab + row + _u8] * w111
                        )
                    for c in range(8):
                        q = b + np.uint64(c)
                        o[q] = min(max(f[q] + _HALF * (a[q] - bk[c]), lo[c]), hi[c])
                o[b + np.uint64(5)] = (o[b + np.uint64(5)] - du) * relax
                o[b + np.uint64(6)] = (o[b + np.uint64(6)] - dv) * relax
                o[b + np.uint64(7)] = (o[b + np.uint64(7)] - dw) * relax
