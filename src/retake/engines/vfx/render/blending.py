# Compiled by numba: types come from the arguments, arithmetic is float32 throughout.
# ruff: noqa: ANN001, ANN201, ANN202, C901, PLR0912, PLR0915
# pyright: basic
"""The compositor's kernel: see `compose`."""

from __future__ import annotations

import numpy as np
from numba import njit

_0, _1, _2, _3 = (np.float32(v) for v in (0, 1, 2, 3))
_HALF, _SIXTH = np.float32(0.5), np.float32(1 / 6)
_INSIDE = np.float32(1.001)
_SEEN = np.float32(2e-5)
_BENT = np.float32(0.04)
_STEPS = np.float32(65535)
_DITHER = np.float32(257)
_SPARK_G, _SPARK_B = np.float32(0.52), np.float32(0.16)
_SPARK = np.float32(4.5 / 255)


@njit(inline="always")
def _left_of(e):
    return _1 / (_1 + e * (_1 + e * (_HALF + e * _SIXTH)))


@njit(nogil=True, cache=True, error_model="numpy")
def compose_rows(
    r0,
    r1,
    src,
    out,
    buf,
    A,
    field,
    front,
    sparks,
    R,
    shaken,
    expo,
    linear,
    display,
    dither,
):
    """Write rows [r0, r1) of `out`. See `compose`."""
    H, W, _ = src.shape
    bh, bw, _ = buf.shape
    hf, wf, _ = field.shape
    ho, wo = front.shape
    sx_f = np.float32(wf) / np.float32(W)
    sy_f = np.float32(hf) / np.float32(H)
    sx_o = np.float32(wo) / np.float32(W)
    sy_o = np.float32(ho) / np.float32(H)
    lit = np.empty(3, np.float32)
    add = np.empty(3, np.float32)
    across = np.empty((wf, 8), np.float32)
    has_sparks = sparks.shape[0] == H and sparks.shape[1] == W
    has_front = ho > 1
    for y in range(r0, r1):
        if not shaken:
            # One row of the field serves the whole row of the picture.
            gy = min(max((np.float32(y) + _HALF) * sy_f - _HALF, _0), np.float32(hf) - _INSIDE)
            j = int(gy)
            fy = gy - np.float32(j)
            most = _0
            for i in range(wf):
                for c in range(8):
                    across[i, c] = field[j, i, c] * (_1 - fy) + field[j + 1, i, c] * fy
                most = max(most, abs(across[i, 6]), abs(across[i, 7]))
            bent_row = most > _BENT
        else:
            bent_row = True
        for x in range(W):
            X = np.float32(x)
            Y = np.float32(y)
            if shaken:
                X = np.float32(x) * R[0, 0] + np.float32(y) * R[0, 1] + R[0, 2]
                Y = np.float32(x) * R[1, 0] + np.float32(y) * R[1, 1] + R[1, 2]
            gx = min(max((X + _HALF) * sx_f - _HALF, _0), np.float32(wf) - _INSIDE)
            i = int(gx)
            fx = gx - np.float32(i)
            dx = _0
            dy = _0
            if shaken:
                gy = min(max((Y + _HALF) * sy_f - _HALF, _0), np.float32(hf) - _INSIDE)
                j = int(gy)
                fy = gy - np.float32(j)
                a00 = (_1 - fx) * (_1 - fy)
                a01 = fx * (_1 - fy)
                a10 = (_1 - fx) * fy
                a11 = fx * fy
                for c in range(3):
                    lit[c] = (
                        field[j, i, c] * a00
                        + field[j, i + 1, c] * a01
                        + field[j + 1, i, c] * a10
                        + field[j + 1, i + 1, c] * a11
                    )
                    add[c] = (
                        field[j, i, c + 3] * a00
                        + field[j, i + 1, c + 3] * a01
                        + field[j + 1, i, c + 3] * a10
                        + field[j + 1, i + 1, c + 3] * a11
                    )
                dx = (
                    field[j, i, 6] * a00
                    + field[j, i + 1, 6] * a01
                    + field[j + 1, i, 6] * a10
                    + field[j + 1, i + 1, 6] * a11
                )
                dy = (
                    field[j, i, 7] * a00
                    + field[j, i + 1, 7] * a01
                    + field[j + 1, i, 7] * a10
                    + field[j + 1, i + 1, 7] * a11
                )
            else:
                for c in range(3):
                    lit[c] = across[i, c] + (across[i + 1, c] - across[i, c]) * fx
                    add[c] = across[i, c + 3] + (across[i + 1, c + 3] - across[i, c + 3]) * fx
                if bent_row:
                    dx = across[i, 6] + (across[i + 1, 6] - across[i, 6]) * fx
                    dy = across[i, 7] + (across[i + 1, 7] - across[i, 7]) * fx
            warp = shaken or abs(dx) + abs(dy) > _BENT
            o = _1
            if has_front:
                ox = min(max((X + _HALF) * sx_o - _HALF, _0), np.float32(wo) - _INSIDE)
                oy = min(max((Y + _HALF) * sy_o - _HALF, _0), np.float32(ho) - _INSIDE)
                oi = int(ox)
                oj = int(oy)
                hx = ox - np.float32(oi)
                hy = oy - np.float32(oj)
                o = _1 - (
                    (front[oj, oi] * (_1 - hx) + front[oj, oi + 1] * hx) * (_1 - hy)
                    + (front[oj + 1, oi] * (_1 - hx) + front[oj + 1, oi + 1] * hx) * hy
                )
            alpha = _0
            bx = X * A[0] + A[1]
            by = Y * A[2] + A[3]
            if (
                bx > _0
                and by > _0
                and bx < np.float32(bw) - _INSIDE
                and by < np.float32(bh) - _INSIDE
            ):
                bi = int(bx)
                bj = int(by)
                ux = bx - np.float32(bi)
                uy = by - np.float32(bj)
                # Half way to a smooth step: the buffer's pixels show less than with straight lines.
                ux = (ux * ux * (_3 - _2 * ux) + ux) * _HALF
                uy = (uy * uy * (_3 - _2 * uy) + uy) * _HALF
                b00 = (_1 - ux) * (_1 - uy) * o
                b01 = ux * (_1 - uy) * o
                b10 = (_1 - ux) * uy * o
                b11 = ux * uy * o
                alpha = (
                    buf[bj, bi, 3] * b00
                    + buf[bj, bi + 1, 3] * b01
                    + buf[bj + 1, bi, 3] * b10
                    + buf[bj + 1, bi + 1, 3] * b11
                )
                for c in range(3):
                    add[c] += (
                        buf[bj, bi, c] * b00
                        + buf[bj, bi + 1, c] * b01
                        + buf[bj + 1, bi, c] * b10
                        + buf[bj + 1, bi + 1, c] * b11
                    )
            if has_sparks and sparks[y, x] > 0:
                spark = np.float32(sparks[y, x]) * _SPARK * o
                add[0] += spark
                add[1] += spark * _SPARK_G
                add[2] += spark * _SPARK_B
            if (
                expo == _1
                and not warp
                and alpha < _SEEN
                and add[0] + add[1] + add[2] < _SEEN
                and abs(lit[0]) + abs(lit[1]) + abs(lit[2]) < _SEEN
            ):
                out[y, x, 0] = src[y, x, 0]
                out[y, x, 1] = src[y, x, 1]
                out[y, x, 2] = src[y, x, 2]
                continue
            keep = _1 - alpha
            if warp:
                sx = X - dx
                sy = Y - dy
                # Beyond its edge the picture goes on mirrored.
                sx = abs(sx)
                sy = abs(sy)
                if sx > np.float32(W - 1):
                    sx = np.float32(2 * W - 2) - sx
                if sy > np.float32(H - 1):
                    sy = np.float32(2 * H - 2) - sy
                sx = min(max(sx, _0), np.float32(W) - _INSIDE)
                sy = min(max(sy, _0), np.float32(H) - _INSIDE)
                si = int(sx)
                sj = int(sy)
                fx = sx - np.float32(si)
                fy = sy - np.float32(sj)
                a00 = (_1 - fx) * (_1 - fy)
                a01 = fx * (_1 - fy)
                a10 = (_1 - fx) * fy
                a11 = fx * fy
            noise = dither[y & 63, x & 63] * _DITHER
            for c in range(3):
                if warp:
                    s0 = (
                        linear[src[sj, si, c]] * a00
                        + linear[src[sj, si + 1, c]] * a01
                        + linear[src[sj + 1, si, c]] * a10
                        + linear[src[sj + 1, si + 1, c]] * a11
                    )
                else:
                    s0 = linear[src[y, x, c]]
                s = s0 * expo
                gain = lit[c] * s0
                if gain > _0:
                    s = _1 - (_1 - s) * _left_of(gain)
                elif gain < _0:
                    s = max(_0, s + gain)
                s *= keep
                if add[c] > _0:
                    s = _1 - (_1 - s) * _left_of(add[c])
                v = np.float32(display[int(min(s, _1) * _STEPS + _HALF)]) + noise
                out[y, x, c] = np.uint16(min(max(v, _0), _STEPS))
