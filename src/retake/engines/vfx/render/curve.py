"""The sRGB curve as tables between display-referred 16-bit values and linear light."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

LINEAR_STEPS = 65535


@cache
def to_linear() -> NDArray[np.float32]:
    """Return linear light 0..1 for each of the 65536 display values (IEC 61966-2-1)."""
    v = np.arange(65536) / 65535
    table = np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4).astype(np.float32)
    table.flags.writeable = False
    return table


@cache
def to_display() -> NDArray[np.uint16]:
    """Return the display value for linear light ``i / LINEAR_STEPS``, 65536 entries.

    The nearest entry is off by at most 7 of 65535 in the darkest shadows: far below 8-bit steps.
    """
    x = np.arange(LINEAR_STEPS + 1) / LINEAR_STEPS
    v = np.where(x <= 0.0031308, x * 12.92, 1.055 * np.power(x, 1 / 2.4) - 0.055)
    table = np.round(v * 65535).astype(np.uint16)
    table.flags.writeable = False
    return table
