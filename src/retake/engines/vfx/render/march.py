"""The volume march: looks through the fluid, from front to back, for every pixel of a buffer.

Fire is a source (its colour is a palette of its temperature), soot absorbs and scatters the sky's
light and the fire's own. The coarse fluid gets its fine structure from noise that travels with the
gas: it displaces what is looked up and eats away thin edges, so cores stay and rims break up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from retake.engines.vfx.render.light import Lit
from retake.engines.vfx.render.palette import HOTTEST
from retake.engines.vfx.rows import run_rows
from retake.engines.vfx.sim.fluid import State
from retake.engines.vfx.sim.noise import SIZE

_0, _1, _2, _3 = (np.float32(v) for v in (0, 1, 2, 3))
_HALF = np.float32(0.5)
_INSIDE = np.float32(1.01)
_SIDE = np.float32(0.125)
_FINE = np.float32(2.7)
_FAINT = np.float32(0.01)
_TINY = np.float32(1e-6)
_MASK = SIZE - 1


@dataclass(frozen=True, slots=True)
class Look:
    """How gas looks.

    Attributes:
        displace: How far noise moves the look-up, cells.
        frequency: Noise texels a cell, across and along y.
        stretch: Share of `frequency` along y; below 1 draws licks out upwards.
        erode: How much noise eats thin edges.
        flicker: How much noise varies temperature.
        fine: Weight of the second, finer octave.
        density: Opacity of soot a cell.
        flame: Opacity of fire a cell.
        bright: Brightness of fire.
        ambient, sky, fire: Linear RGB of the light around, from above, from the fire itself.
        albedo: Linear RGB that smoke reflects.
        dust: Linear RGB that smoke near the floor reflects.
    """

    displace: float = 1.25
    frequency: float = 1.75
    stretch: float = 1.0
    erode: float = 1.1
    flicker: float = 0.34
    fine: float = 0.35
    density: float = 0.42
    flame: float = 0.55
    bright: float = 1.05
    ambient: tuple[float, float, float] = (0.035, 0.038, 0.045)
    sky: tuple[float, float, float] = (0.34, 0.33, 0.32)
    fire: tuple[float, float, float] = (1.9, 0.68, 0.17)
    albedo: tuple[float, float, float] = (0.30, 0.275, 0.255)
    dust: tuple[float, float, float] = (0.42, 0.36, 0.29)


@dataclass(frozen=True, slots=True)
class View:
    """How the box of the fluid is seen: a slight perspective, looking a little down.

    Attributes:
        width, height: Size of the buffer.
        cells_x, cells_y: Cells a pixel.
        top: Height of the first row above the floor, in cells.
    """

    width: int
    height: int
    cells_x: float
    cells_y: float
    top: float


PERSPECTIVE = 0.0016
PITCH = 0.16


def view_of(state: State, pixels_per_cell: float) -> View:
    """Return the view that shows the whole box, the near part of the floor below y = 0 too."""
    nz, ny, nx, _ = state.shape
    tall = ny + nz / 2 * PITCH
    width = max(2, round(nx * pixels_per_cell))
    height = max(2, round(tall * pixels_per_cell))
    return View(width, height, nx / width, tall / height, float(ny))


@njit(nogil=True, cache=True, error_model="numpy")
def march_rows(  # type: ignore[no-untyped-def]  # noqa: ANN201, C901, PLR0912, PLR0915
    r0,
    r1,
    s,
    light,
    filled,
    noise,
    palette,
    jitter,
    p,
    colours,
    out,  # noqa: ANN001
):
    """Write rows [r0, r1) of `out`, ``[H, W, 4]`` premultiplied linear RGBA. See `march`."""
    nz, ny, nx, _ = s.shape
    lz, ly, lx, _ = light.shape
    width = out.shape[1]
    levels = palette.shape[0]
    cells_x, cells_y, top = p[0], p[1], p[2]
    persp, pitch, tau = p[3], p[4], p[5]
    displace, freq, freq_y, erode = p[6], p[7], p[8], p[9]
    flicker, fine, dens, flame = p[10], p[11], p[12], p[13]
    bright, scale, glow, thin = p[14], p[15], p[16], p[17]
    middle = np.float32(nx) * _HALF
    zc = np.float32(nz) * _HALF
    X = np.float32(nx) - _INSIDE
    Y = np.float32(ny) - _INSIDE
    for py in range(r0, r1):
        by = top - (np.float32(py) + _HALF) * cells_y
        for px in range(width):
            bx = (np.float32(px) + _HALF) * cells_x - middle
            R = _0
            G = _0
            B = _0
            through = _1
            j = jitter[py & 63, px & 63]
            jz = _1 - j
            kk = -1
            while kk < nz - 2:
                kk += 1
                z = np.float32(kk) + j
                sc = _1 + (z - zc) * persp
                x = bx * sc + middle
                y = by * sc + (zc - z) * pitch
                if x < _0 or x >= X or y >= Y or y < _0:
                    continue
                if filled[kk >> 2, int(y) >> 2, int(x) >> 2] == 0:
                    kk |= 3
                    continue
                xi = int(x)
                yi = int(y)
                fx = x - np.float32(xi)
                fy = y - np.float32(yi)
                w00 = (_1 - fx) * (_1 - fy)
                w01 = fx * (_1 - fy)
                w10 = (_1 - fx) * fy
                w11 = fx * fy
                if tau > _0:  # between steps of the fluid: look where the gas came from
                    u = (
                        s[kk, yi, xi, 0] * w00
                        + s[kk, yi, xi + 1, 0] * w01
                        + s[kk, yi + 1, xi, 0] * w10
                        + s[kk, yi + 1, xi + 1, 0] * w11
                    )
                    v = (
                        s[kk, yi, xi, 1] * w00
                        + s[kk, yi, xi + 1, 1] * w01
                        + s[kk, yi + 1, xi, 1] * w10
                        + s[kk, yi + 1, xi + 1, 1] * w11
                    )
                    x = min(max(x - tau * u, _0), X - _FAINT)
                    y = min(max(y - tau * v, _0), Y - _FAINT)
                    xi = int(x)
                    yi = int(y)
                    fx = x - np.float32(xi)
                    fy = y - np.float32(yi)
                    w00 = (_1 - fx) * (_1 - fy)
                    w01 = fx * (_1 - fy)
                    w10 = (_1 - fx) * fy
                    w11 = fx * fy
                tx = (
                    s[kk, yi, xi, 5] * w00
                    + s[kk, yi, xi + 1, 5] * w01
                    + s[kk, yi + 1, xi, 5] * w10
                    + s[kk, yi + 1, xi + 1, 5] * w11
                )
                ty = (
                    s[kk, yi, xi, 6] * w00
                    + s[kk, yi, xi + 1, 6] * w01
                    + s[kk, yi + 1, xi, 6] * w10
                    + s[kk, yi + 1, xi + 1, 6] * w11
                )
                tz = (
                    s[kk, yi, xi, 7] * w00
                    + s[kk, yi, xi + 1, 7] * w01
                    + s[kk, yi + 1, xi, 7] * w10
                    + s[kk, yi + 1, xi + 1, 7] * w11
                )
                ax = (x + tx) * freq
                ay = (y + ty) * freq_y
                az = (z + tz) * freq
                axf = np.float32(math.floor(ax))
                ayf = np.float32(math.floor(ay))
                azf = np.float32(math.floor(az))
                gx = ax - axf
                gy = ay - ayf
                gz = az - azf
                ia = int(axf) & _MASK
                ib = int(ayf) & _MASK
                ic = int(azf) & _MASK
                ia1 = (ia + 1) & _MASK
                ib1 = (ib + 1) & _MASK
                ic1 = (ic + 1) & _MASK
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
                    a00 = v00 * wz
                    a01 = v01 * wz
                    a10 = v10 * wz
                    a11 = v11 * wz
                    n0 += (
                        noise[iz, ib, ia, 0] * a00
                        + noise[iz, ib, ia1, 0] * a01
                        + noise[iz, ib1, ia, 0] * a10
                        + noise[iz, ib1, ia1, 0] * a11
                    )
                    n1 += (
                        noise[iz, ib, ia, 1] * a00
                        + noise[iz, ib, ia1, 1] * a01
                        + noise[iz, ib1, ia, 1] * a10
                        + noise[iz, ib1, ia1, 1] * a11
                    )
                    n2 += (
                        noise[iz, ib, ia, 2] * a00
                        + noise[iz, ib, ia1, 2] * a01
                        + noise[iz, ib1, ia, 2] * a10
                        + noise[iz, ib1, ia1, 2] * a11
                    )
                # The finer octave's texels are about as small as a pixel: the nearest will do.
                n2 += (
                    fine
                    * noise[
                        int(math.floor(az * _FINE)) & _MASK,
                        int(math.floor(ay * _FINE)) & _MASK,
                        int(math.floor(ax * _FINE)) & _MASK,
                        0,
                    ]
                )
                xx = min(max(x + displace * n0, _0), X - _FAINT)
                yy = min(max(y + displace * n1, _0), Y - _FAINT)
                xi = int(xx)
                yi = int(yy)
                fx = xx - np.float32(xi)
                fy = yy - np.float32(yi)
                w00 = (_1 - fx) * (_1 - fy)
                w01 = fx * (_1 - fy)
                w10 = (_1 - fx) * fy
                w11 = fx * fy
                T = (
                    s[kk, yi, xi, 3] * w00
                    + s[kk, yi, xi + 1, 3] * w01
                    + s[kk, yi + 1, xi, 3] * w10
                    + s[kk, yi + 1, xi + 1, 3] * w11
                ) * jz + (
                    s[kk + 1, yi, xi, 3] * w00
                    + s[kk + 1, yi, xi + 1, 3] * w01
                    + s[kk + 1, yi + 1, xi, 3] * w10
                    + s[kk + 1, yi + 1, xi + 1, 3] * w11
                ) * j
                S = (
                    s[kk, yi, xi, 4] * w00
                    + s[kk, yi, xi + 1, 4] * w01
                    + s[kk, yi + 1, xi, 4] * w10
                    + s[kk, yi + 1, xi + 1, 4] * w11
                ) * jz + (
                    s[kk + 1, yi, xi, 4] * w00
                    + s[kk + 1, yi, xi + 1, 4] * w01
                    + s[kk + 1, yi + 1, xi, 4] * w10
                    + s[kk + 1, yi + 1, xi + 1, 4] * w11
                ) * j
                # Towards the open sides gas thins out: the box must not show.
                side_x = min(x, X - x) * _SIDE
                side_y = (Y - y) * _SIDE
                near = min(_1, min(side_x, side_y))
                T = T * (_1 + flicker * n2) * near
                eaten = erode * (n2 * np.float32(0.8) + np.float32(0.45) + thin)
                T -= eaten * np.float32(0.20) * (np.float32(1.3) - min(T, np.float32(1.3)))
                S *= near
                S -= eaten * np.float32(0.30) * (np.float32(0.1) + S) * (_1 if S < _1 else _1 / S)
                T = max(T, _0)
                S = max(S, _0)
                if T + S < _FAINT:
                    continue
                level = min(int(T * scale), levels - 1)
                hot = min(max((T - np.float32(0.25)) * np.float32(2.5), _0), _1)
                absorbs = S * dens * (_1 - np.float32(0.85) * hot)
                shines = max(_0, T - np.float32(0.12)) * flame * glow
                total = absorbs + shines + _TINY
                share = absorbs / total
                if y < np.float32(2.5):  # the lowest layer frays where it meets the ground
                    total *= max(_0, y + np.float32(0.3) * n2) * np.float32(0.4)
                a = _1 - np.float32(math.exp(-total))
                hz = min(kk >> 1, lz - 1)
                hyf = min(max(y * _HALF - np.float32(0.25), _0), np.float32(ly) - _INSIDE)
                hxf = min(max(x * _HALF - np.float32(0.25), _0), np.float32(lx) - _INSIDE)
                hx = int(hxf)
                hy = int(hyf)
                ex = hxf - np.float32(hx)
                ey = hyf - np.float32(hy)
                sky = (light[hz, hy, hx, 0] * (_1 - ex) + light[hz, hy, hx + 1, 0] * ex) * (
                    _1 - ey
                ) + (light[hz, hy + 1, hx, 0] * (_1 - ex) + light[hz, hy + 1, hx + 1, 0] * ex) * ey
                own = (light[hz, hy, hx, 1] * (_1 - ex) + light[hz, hy, hx + 1, 1] * ex) * (
                    _1 - ey
                ) + (light[hz, hy + 1, hx, 1] * (_1 - ex) + light[hz, hy + 1, hx + 1, 1] * ex) * ey
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
                if through < _FAINT:
                    break
            out[py, px, 0] = R
            out[py, px, 1] = G
            out[py, px, 2] = B
            out[py, px, 3] = _1 - through


def march(
    state: State,
    lit: Lit,
    look: Look,
    view: View,
    noise: NDArray[np.float32],
    palette: NDArray[np.float32],
    jitter: NDArray[np.float32],
    tau: float = 0.0,
    glow: float = 1.0,
    thin: float = 0.0,
) -> NDArray[np.float32]:
    """Return what is seen: ``[height, width, 4]``, premultiplied linear RGBA, HDR.

    Args:
        state: The fluid.
        lit: Its light.
        look: How it looks.
        view: From where.
        noise: As from `sim.noise.noise_cube`.
        palette: As from `palette.fire_palette`.
        jitter: ``[64, 64]`` in 0..1: where in its cell each ray starts; turns steps into grain.
        tau: Seconds since the state was made; the gas has moved on by as much.
        glow: 1 for fire in full; towards 0 heat is no longer seen.
        thin: 0 for smoke as it is; towards 1 and beyond, thin smoke is eaten away.
    """
    numbers = np.array(
        [view.cells_x, view.cells_y, view.top, PERSPECTIVE, PITCH, tau]
        + [look.displace, look.frequency, look.frequency * look.stretch, look.erode]
        + [look.flicker, look.fine, look.density, look.flame]
        + [look.bright, (len(palette) - 1) / HOTTEST, glow, thin],
        np.float32,
    )
    colours = np.array([look.ambient, look.sky, look.fire, look.albedo, look.dust], np.float32)
    out = np.empty((view.height, view.width, 4), np.float32)
    run_rows(
        march_rows,
        view.height,
        state,
        lit.light,
        lit.filled,
        noise,
        palette,
        jitter,
        numbers,
        colours,
        out,
    )
    return out
