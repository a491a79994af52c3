"""The effects, one file each: every one makes a Layer from a Cue and a Scene."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from retake.engines.vfx.effects.effect import Effect
from retake.engines.vfx.plan import VISUALS


def effect(name: str) -> Effect:
    """Return the effect called `name`, loading its file on first use; each file ends in `EFFECT`.

    Raises:
        KeyError: There is no effect of that name.
    """
    if name not in VISUALS:
        raise KeyError(name)
    # Importing an effect compiles nothing yet, but loads numba: rain need not wait for fire.
    return cast("Effect", import_module(f"{__name__}.{name}").EFFECT)
