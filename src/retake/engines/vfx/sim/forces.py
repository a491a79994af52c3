# Compiled by numba: types come from the arguments, arithmetic is float32 throughout.
# ruff: noqa: ANN001, ANN201
# pyright: basic
"""What acts on the gas: buoyancy, swirl, drag, wind, burning and cooling; and mass balance.

All kernels take and change the state that `advection` describes, for the slabs [k0, k1).
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

_0 = np.float32(0)
_1 = np.float32(1)
_2 = np.float32(2)
_4 = np.float32(4)
_HALF = np.float32(0.5)
_TINY = np.float32(1e-4)
_QUIET = np.float32(0.005)
_RADIATE = np.float32(0.3)
_GONE = np.float32(2e-4)


@njit(nogil=True, cache=True, error_model="numpy")
def curl(k0, k1, s, m):
    """Write the velocity's curl and its length into `m`, ``[z, y, x, 4]``; inner cells only."""
    nz, ny, nx, _ = s.shape
    for k in range(max(k0, 1), min(k1, nz - 1)):
        for j in range(1, ny - 1):
            for i in range(1, nx - 1):
                a = (s[k, j + 1, i, 2] - s[k, j - 1, i, 2]) - (
                    s[k + 1, j, i, 1] - s[k - 1, j, i, 1]
                )
                b = (s[k + 1, j, i, 0] - s[k - 1, j, i, 0]) - (
                    s[k, j, i + 1, 2] - s[k, j, i - 1, 2]
                )
                c = (s[k, j, i + 1, 1] - s[k, j, i - 1, 1]) - (
                    s[k, j + 1, i, 0] - s[k, j - 1, i, 0]
                )
                m[k, j, i, 0] = a * _HALF
                m[k, j, i, 1] = b * _HALF
                m[k, j, i, 2] = c * _HALF
                m[k, j, i, 3] = np.float32(math.sqrt(a * a + b * b + c * c)) * _HALF


@njit(nogil=True, cache=True, error_model="numpy")
def act(k0, k1, s, m, grow, dt, p):
    """Apply forces and burning for `dt` seconds; write how fast gas swells (1/s) into `grow`.

    `p` is float32: buoyancy, weight of soot, swirl (vorticity confinement, Fedkiw et al. 2001),
    wind x and z, drag, cooling, soot loss, soot made of heat lost, swelling, temperature above
    which gas swells, drag of empty air on top, and cooling that does not depend on heat.
    """
    nz, ny, nx, _ = s.shape
    buoyancy, weight, swirl = p[0], p[1], p[2]
    wind_x, wind_z, drag = p[3], p[4], p[5]
    cool, loss, soot, swell, swell_above, rest, chill = p[6], p[7], p[8], p[9], p[10], p[11], p[12]
    for k in range(k0, k1):
        for j in range(ny):
            for i in range(nx):
                T = s[k, j, i, 3]
                S = s[k, j, i, 4]
                here = T + S
                if here <= _QUIET:
                    e = _1 - dt * (drag + rest)
                    grow[k, j, i] = _0
                    s[k, j, i, 0] *= e
                    s[k, j, i, 1] *= e
                    s[k, j, i, 2] *= e
                    s[k, j, i, 3] = _0
                    s[k, j, i, 4] = _0
                    continue
                u = s[k, j, i, 0]
                v = s[k, j, i, 1]
                w = s[k, j, i, 2]
                if 0 < i < nx - 1 and 0 < j < ny - 1 and 0 < k < nz - 1:
                    gx = m[k, j, i + 1, 3] - m[k, j, i - 1, 3]
                    gy = m[k, j + 1, i, 3] - m[k, j - 1, i, 3]
                    gz = m[k + 1, j, i, 3] - m[k - 1, j, i, 3]
                    n = _1 / (np.float32(math.sqrt(gx * gx + gy * gy + gz * gz)) + _TINY)
                    q = swirl * dt * min(_1, here * _2) * n
                    a = m[k, j, i, 0]
                    b = m[k, j, i, 1]
                    c = m[k, j, i, 2]
                    u += q * (gy * c - gz * b)
                    v += q * (gz * a - gx * c)
                    w += q * (gx * b - gy * a)
                e = _1 - dt * drag
                blown = dt * min(_1, here * _4)
                u = u * e + blown * wind_x
                v = (v + dt * (buoyancy * T - weight * S)) * e
                w = w * e + blown * wind_z
                if j == 0 and v < _0:
                    v = _0
                grow[k, j, i] = swell * max(_0, T - swell_above)
                # Hot gas radiates (~T^3) and mixes with cold air; what it loses leaves soot.
                rate = cool * (_RADIATE + T * T * T) + chill
                lost = min(T, dt * rate * min(_1, T * _4))
                S = (S + soot * lost) * (_1 - dt * loss)
                s[k, j, i, 0] = u
                s[k, j, i, 1] = v
                s[k, j, i, 2] = w
                s[k, j, i, 3] = T - lost
                s[k, j, i, 4] = S if S >= _GONE else _0


@njit(nogil=True, cache=True, error_model="numpy")
def diverge(k0, k1, s, grow, out):
    """Write the divergence that the pressure has to remove, swelling left in, into `out`."""
    nz, ny, nx, _ = s.shape
    for k in range(k0, k1):
        km = max(k - 1, 0)
        kp = min(k + 1, nz - 1)
        for j in range(ny):
            jp = min(j + 1, ny - 1)
            for i in range(nx):
                im = max(i - 1, 0)
                ip = min(i + 1, nx - 1)
                below = (s[k, j, i, 1] + s[k, j - 1, i, 1]) * _HALF if j > 0 else _0
                out[k, j, i] = (
                    (s[k, j, ip, 0] - s[k, j, im, 0]) * _HALF
                    + (s[k, jp, i, 1] + s[k, j, i, 1]) * _HALF
                    - below
                    + (s[kp, j, i, 2] - s[km, j, i, 2]) * _HALF
                    - grow[k, j, i]
                )


@njit(nogil=True, cache=True, error_model="numpy")
def subtract_gradient(k0, k1, s, p):
    """Take the pressure's gradient off the velocity: zero outside sides and top, mirrored floor."""
    nz, ny, nx, _ = s.shape
    for k in range(k0, k1):
        for j in range(ny):
            for i in range(nx):
                c = p[k, j, i]
                left = p[k, j, i - 1] if i > 0 else -c
                right = p[k, j, i + 1] if i < nx - 1 else -c
                down = p[k, j - 1, i] if j > 0 else c
                up = p[k, j + 1, i] if j < ny - 1 else -c
                near = p[k - 1, j, i] if k > 0 else -c
                far = p[k + 1, j, i] if k < nz - 1 else -c
                s[k, j, i, 0] -= (right - left) * _HALF
                s[k, j, i, 1] -= (up - down) * _HALF
                s[k, j, i, 2] -= (far - near) * _HALF
