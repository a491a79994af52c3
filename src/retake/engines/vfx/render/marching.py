# Compiled by numba: types come from the arguments, arithmetic is float32 throughout.
# ruff: noqa: ANN001, ANN201, C901, PLR0912, PLR0915, PLW3301, SIM300
# pyright: basic
"""The kernel of the volume march: looks through the fluid along every pixel's ray."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from retake.engines.vfx.render.reading import (
    HEAT,
    SOOT,
    blown,
    carried,
    cell_at,
    grain_at,
    light_at,
    within,
)

_0, _1, _2, _3 = (np.float32(v) for v in (0, 1, 2, 3))
_HALF = np.float32(0.5)
_INSIDE = np.float32(1.01)
_SIDE = np.float32(0.125)
_FAINT = np.float32(0.01)
_TINY = np.float32(1e-6)
_OPAQUE = np.float32(0.03)
# Noise never looks farther than a cell of `Lit.filled` reaches beyond what it holds.
_REACH = np.float32(1.6)


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
    lit = (nz // 2, ny // 2, nx // 2)
    width = out.shape[1]
    row = np.uint64(nx * 8)
    slab = np.uint64(nx * ny * 8)
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
                    b, w = cell_at(x, y, kk, ny, nx)
                    if tau > _0:  # between steps of the fluid: look where the gas came from
                        u, v = blown(s, b, row, w)
                        x = min(max(x - tau * u, _0), X - _FAINT)
                        y = min(max(y - tau * v, _0), Y - _FAINT)
                        b, w = cell_at(x, y, kk, ny, nx)
                    tx, ty, tz = carried(s, b, row, w)
                    n0, n1, n2 = grain_at(
                        noise,
                        (x + tx) * freq,
                        (y + ty - risen) * freq_y,
                        (zn + tz) * freq,
                        fine,
                    )
                    n0 = min(max(n0, -_REACH), _REACH)
                    n1 = min(max(n1, -_REACH), _REACH)
                    xx = min(max(x + displace * n0, _0), X - _FAINT)
                    yy = min(max(y + displace * n1, _0), Y - _FAINT)
                    b, w = cell_at(xx, yy, kk, ny, nx)
                    T = within(s, b + HEAT, row, slab, w, z - np.float32(kk))
                    S = within(s, b + SOOT, row, slab, w, z - np.float32(kk))
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
                    sky, own = light_at(light, x, y, kk, lit)
                    own *= glow
                    low = max(_0, _1 - y * np.float32(0.12))
                    ws = through * a * share
                    we = through * a * (_1 - share) * bright
                    for c in range(3):
                        white = colours[3, c] + (colours[4, c] - colours[3, c]) * low
                        shown = white * (colours[0, c] + sky * colours[1, c] + own * colours[2, c])
                        add = ws * shown + we * palette[level, c]
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
