"""Chance that repeats: every random draw of the engine comes from the request's seed and a name."""

from __future__ import annotations

from zlib import crc32

import numpy as np


def generator(seed: int, name: str) -> np.random.Generator:
    """Return a generator of its own for `name`, the same for the same `seed` on every machine.

    One name, one stream: an effect that draws more numbers does not change what another one gets.
    """
    return np.random.Generator(np.random.PCG64([seed, crc32(name.encode())]))
