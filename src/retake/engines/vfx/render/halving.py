# Compiled by numba: types come from the arguments, arithmetic is float32 throughout.
# ruff: noqa: ANN001, ANN201
# pyright: basic
"""Thins the fluid out to half its size: light needs no more, see `light`."""

from __future__ import annotations

import numpy as np
from numba import njit

_0 = np.float32(0)
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
