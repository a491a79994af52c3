# Compiled by numba: types come from the arguments, arithmetic is float32 throughout.
# ruff: noqa: ANN001, ANN201, C901, PLR0912, PLR0915, PLW3301, RUF046, SIM300
# pyright: basic
"""Kernels of the volume march: thinning the fluid out for lighting, and looking through it."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from retake.engines.vfx.sim.noise import SIZE

_0, _1, _2, _3 = (np.float32(v) for v in (0, 1, 2, 3))
_HALF = np.float32(0.5)
_INSIDE = np.float32(1.01)
_SIDE = np.float32(0.125)
_FINE = np.float32(2.7)
_FAINT = np.float32(0.01)
_TINY = np.float32(1e-6)
_OPAQUE = np.float32(0.03)
# Noise never looks farther than a cell of `Lit.filled` reaches beyond what it holds.
_REACH = np.float32(1.6)
_MASK = SIZE - 1
_u1, _u2, _u8 = np.uint64(1), np.uint64(2), np.uint64(8)
_EIGHTH = np.float32(0.125)


@njit(nogil=True, cache=True, error_model="numpy")
def halve(k0, k1, s, heat, soot):
    """Write means of 2x2x2 cells of T and S into `heat` and `soot`, slabs [k0, k1) of these."""
    _, hy, hx = heat.shape
    for k in range(k0, k1):
        for j in range(hy):
            for i in range(hx):
                T = _0
                S = _0
                for a in range(2):
                    for b in range(2):
                        for c in range(2):
                            T += s[2 * k + a, 2 * j + b, 2 * i + c, 3]
                            S += s[2 * k + a, 2 * j + b, 2 * i + c, 4]
                heat[k, j, i] = T * _EIGHTH
                soot[k, j, i] = S * _EIGHTH


@njit(nogil=True, cache=True, error_model="numpy")
def march_rows(
    r0,
    r1,
    box,
    s,
    light,
    filled,
    noise,
    palette,
    jitter,
    p,
    colours,
    out,
):
    """Write rows [r0, r1) of `out`, ``[H, W, 4]`` premultiplied linear RGBA. See `march`."""
    nz, ny, nx = box[0], box[1], box[2]
    lz, ly, lx = nz // 2, ny // 2, nx // 2
    width = out.shape[1]
    row = np.uint64(nx * 8)
    slab = np.uint64(nx * ny * 8)
    lit_row = np.uint64(lx * 2)
    fy_n, fx_n = (ny + 1) // 2, (nx + 1) // 2
    levels = palette.shape[0]
    cells, top = p[0], p[1]
    first_x, first_y = int(p[2]), int(p[18])
    persp, pitch, tau = p[3], p[4], p[5]
    stride, risen, fray = p[19], p[20], p[21]
    samples = int((np.float32(nz) - _INSIDE) / stride)
    displace, freq, freq_y, erode = p[6], p[7], p[8], p[9]
    flicker, fine, dens, flame = p[10], p[11], p[12], p[13]
    bright, scale, glow, thin = p[14], p[15], p[16], p[17]
    middle = np.float32(nx) * _HALF
    zc = np.float32(nz) * _HALF
    X = np.float32(nx) - _INSIDE
    Y = np.float32(ny) - _INSIDE
    # In narrow strips, so that neighbouring rays find the fluid's cells still in the cache.
    for strip in range(0, width, 8):
        for py in range(r0, r1):
            by = top - (np.float32(py + first_y) + _HALF) * cells
            for px in range(strip, min(strip + 8, width)):
                bx = (np.float32(px + first_x) + _HALF) * cells - middle
                R = _0
                G = _0
                B = _0
                through = _1
                start = jitter[(py + first_y) & 63, (px + first_x) & 63]
                for sample in range(samples):
                    z = (np.float32(sample) + start) * stride
                    kk = int(z)
                    zn = (np.float32(sample) + _HALF) * stride
                    sc = _1 + (z - zc) * persp
                    x = bx * sc + middle
                    y = by * sc + (zc - z) * pitch
                    if x < _0 or x >= X or y >= Y or y < _0:
                        continue
                    if (
                        filled[np.uint64(((kk >> 1) * fy_n + (int(y) >> 1)) * fx_n + (int(x) >> 1))]
                        == 0
                    ):
                        continue
                    j = z - np.float32(kk)
                    jz = _1 - j
                    xi = int(x)
                    yi = int(y)
                    b = np.uint64(((kk * ny + yi) * nx + xi) * 8)
                    fx = x - np.float32(xi)
                    fy = y - np.float32(yi)
                    w00 = (_1 - fx) * (_1 - fy)
                    w01 = fx * (_1 - fy)
                    w10 = (_1 - fx) * fy
                    w11 = fx * fy
                    if tau > _0:  # between steps of the fluid: look where the gas came from
                        u = (
                            s[b + np.uint64(0)] * w00
                            + s[b + _u8 + np.uint64(0)] * w01
                            + s[b + row + np.uint64(0)] * w10
                            + s[b + row + _u8 + np.uint64(0)] * w11
                        )
                        v = (
                            s[b + np.uint64(1)] * w00
                            + s[b + _u8 + np.uint64(1)] * w01
                            + s[b + row + np.uint64(1)] * w10
                            + s[b + row + _u8 + np.uint64(1)] * w11
                        )
                        x = min(max(x - tau * u, _0), X - _FAINT)
                        y = min(max(y - tau * v, _0), Y - _FAINT)
                        xi = int(x)
                        yi = int(y)
                        b = np.uint64(((kk * ny + yi) * nx + xi) * 8)
                        fx = x - np.float32(xi)
                        fy = y - np.float32(yi)
                        w00 = (_1 - fx) * (_1 - fy)
                        w01 = fx * (_1 - fy)
                        w10 = (_1 - fx) * fy
                        w11 = fx * fy
                    tx = (
                        s[b + np.uint64(5)] * w00
                        + s[b + _u8 + np.uint64(5)] * w01
                        + s[b + row + np.uint64(5)] * w10
                        + s[b + row + _u8 + np.uint64(5)] * w11
                    )
                    ty = (
                        s[b + np.uint64(6)] * w00
                        + s[b + _u8 + np.uint64(6)] * w01
                        + s[b + row + np.uint64(6)] * w10
                        + s[b + row + _u8 + np.uint64(6)] * w11
                    )
                    tz = (
                        s[b + np.uint64(7)] * w00
                        + s[b + _u8 + np.uint64(7)] * w01
                        + s[b + row + np.uint64(7)] * w10
                        + s[b + row + _u8 + np.uint64(7)] * w11
                    )
                    ax = (x + tx) * freq
                    ay = (y + ty - risen) * freq_y
                    az = (zn + tz) * freq
                    axf = np.float32(math.floor(ax))
                    ayf = np.float32(math.floor(ay))
                    gx = ax - axf
                    gy = ay - ayf
                    ia = int(axf) & _MASK
                    ib = int(ayf) & _MASK
                    azf = np.float32(math.floor(az))
                    gz = az - azf
                    ic = int(azf) & _MASK
                    ic1 = (ic + 1) & _MASK
                    ia1 = (ia + 1) & _MASK
                    ib1 = (ib + 1) & _MASK
                    v00 = (_1 - gx) * (_1 - gy)
                    v01 = gx * (_1 - gy)
                    v10 = (_1 - gx) * gy
                    v11 = gx * gy
                    n0 = _0
                    n1 = _0
                    n2 = _0
                    for side in range(2):
                        iz = ic if side == 0 else ic1
                        wz = _1 - gz if side == 0 else gz
                        q00 = np.uint64(((iz * SIZE + ib) * SIZE + ia) * 3)
                        q01 = np.uint64(((iz * SIZE + ib) * SIZE + ia1) * 3)
                        q10 = np.uint64(((iz * SIZE + ib1) * SIZE + ia) * 3)
                        q11 = np.uint64(((iz * SIZE + ib1) * SIZE + ia1) * 3)
                        a00 = v00 * wz
                        a01 = v01 * wz
                        a10 = v10 * wz
                        a11 = v11 * wz
                        n0 += (
                            noise[q00 + np.uint64(0)] * a00
                            + noise[q01 + np.uint64(0)] * a01
                            + noise[q10 + np.uint64(0)] * a10
                            + noise[q11 + np.uint64(0)] * a11
                        )
                        n1 += (
                            noise[q00 + np.uint64(1)] * a00
                            + noise[q01 + np.uint64(1)] * a01
                            + noise[q10 + np.uint64(1)] * a10
                            + noise[q11 + np.uint64(1)] * a11
                        )
                        n2 += (
                            noise[q00 + np.uint64(2)] * a00
                            + noise[q01 + np.uint64(2)] * a01
                            + noise[q10 + np.uint64(2)] * a10
                            + noise[q11 + np.uint64(2)] * a11
                        )
                    # The finer octave's texels are about as small as a pixel: the nearest will do.
                    fz = int(math.floor(az * _FINE)) & _MASK
                    fy2 = int(math.floor(ay * _FINE)) & _MASK
                    fx2 = int(math.floor(ax * _FINE)) & _MASK
                    n2 += fine * noise[np.uint64(((fz * SIZE + fy2) * SIZE + fx2) * 3)]
                    n0 = min(max(n0, -_REACH), _REACH)
                    n1 = min(max(n1, -_REACH), _REACH)
                    xx = min(max(x + displace * n0, _0), X - _FAINT)
                    yy = min(max(y + displace * n1, _0), Y - _FAINT)
                    xi = int(xx)
                    yi = int(yy)
                    b = np.uint64(((kk * ny + yi) * nx + xi) * 8)
                    fx = xx - np.float32(xi)
                    fy = yy - np.float32(yi)
                    w00 = (_1 - fx) * (_1 - fy)
                    w01 = fx * (_1 - fy)
                    w10 = (_1 - fx) * fy
                    w11 = fx * fy
                    T = (
                        s[b + np.uint64(3)] * w00
                        + s[b + _u8 + np.uint64(3)] * w01
                        + s[b + row + np.uint64(3)] * w10
                        + s[b + row + _u8 + np.uint64(3)] * w11
                    ) * jz + (
                        s[b + slab + np.uint64(3)] * w00
                        + s[b + slab + _u8 + np.uint64(3)] * w01
                        + s[b + slab + row + np.uint64(3)] * w10
                        + s[b + slab + row + _u8 + np.uint64(3)] * w11
                    ) * j
                    S = (
                        s[b + np.uint64(4)] * w00
                        + s[b + _u8 + np.uint64(4)] * w01
                        + s[b + row + np.uint64(4)] * w10
                        + s[b + row + _u8 + np.uint64(4)] * w11
                    ) * jz + (
                        s[b + slab + np.uint64(4)] * w00
                        + s[b + slab + _u8 + np.uint64(4)] * w01
                        + s[b + slab + row + np.uint64(4)] * w10
                        + s[b + slab + row + _u8 + np.uint64(4)] * w11
                    ) * j
                    # Towards the open sides gas thins out: the box must not show.
                    side_x = min(x, X - x) * _SIDE
                    side_y = (Y - y) * _SIDE
                    near = min(_1, min(side_x, side_y))
                    T = T * (_1 + flicker * n2) * near
                    eaten = erode * (n2 * np.float32(0.8) + np.float32(0.45) + thin)
                    # Noise may add to what is there, but never make something out of nothing.
                    worn_t = eaten if eaten > _0 else eaten * min(_1, T * _3)
                    worn_s = eaten if eaten > _0 else eaten * min(_1, S * _3)
                    T -= worn_t * np.float32(0.20) * (np.float32(1.3) - min(T, np.float32(1.3)))
                    S -= (
                        worn_s
                        * np.float32(0.30)
                        * (np.float32(0.1) + S)
                        * (_1 if S < _1 else _1 / S)
                    )
                    T = max(T, _0)
                    S = max(S, _0)
                    if T + S < _FAINT:
                        continue
                    level = min(int(T * scale), levels - 1)
                    hot = min(max((T - np.float32(0.25)) * np.float32(2.5), _0), _1)
                    absorbs = S * dens * (_1 - np.float32(0.6) * hot)
                    shines = max(_0, T - np.float32(0.12)) * flame * glow
                    total = absorbs + shines + _TINY
                    share = absorbs / total
                    total *= stride
                    if y < fray:  # the lowest layer frays where it meets the ground
                        total *= max(_0, min(_1, y / fray + np.float32(0.25) * n2))
                    a = _1 - np.float32(math.exp(-total))
                    hz = min(kk >> 1, lz - 1)
                    hyf = min(max(y * _HALF - np.float32(0.25), _0), np.float32(ly) - _INSIDE)
                    hxf = min(max(x * _HALF - np.float32(0.25), _0), np.float32(lx) - _INSIDE)
                    hx = int(hxf)
                    hy = int(hyf)
                    ex = hxf - np.float32(hx)
                    ey = hyf - np.float32(hy)
                    lb = np.uint64(((hz * ly + hy) * lx + hx) * 2)
                    e00 = (_1 - ex) * (_1 - ey)
                    e01 = ex * (_1 - ey)
                    e10 = (_1 - ex) * ey
                    e11 = ex * ey
                    sky = (
                        light[lb] * e00
                        + light[lb + _u2] * e01
                        + light[lb + lit_row] * e10
                        + light[lb + lit_row + _u2] * e11
                    )
                    own = (
                        light[lb + _u1] * e00
                        + light[lb + _u1 + _u2] * e01
                        + light[lb + _u1 + lit_row] * e10
                        + light[lb + _u1 + lit_row + _u2] * e11
                    )
                    own *= glow
                    low = max(_0, _1 - y * np.float32(0.12))
                    ws = through * a * share
                    we = through * a * (_1 - share) * bright
                    for c in range(3):
                        white = colours[3, c] + (colours[4, c] - colours[3, c]) * low
                        lit = white * (colours[0, c] + sky * colours[1, c] + own * colours[2, c])
                        add = ws * lit + we * palette[level, c]
                        if c == 0:
                            R += add
                        elif c == 1:
                            G += add
                        else:
                            B += add
                    through *= _1 - a
                    if through < _OPAQUE:
                        through = _0
                        break
                out[py, px, 0] = R
                out[py, px, 1] = G
                out[py, px, 2] = B
                out[py, px, 3] = _1 - through
