"""How something that burns or smokes is at one time of its life."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Moment:
    """How the effect is at one time; see `march` for `glow` and `thin`, `Glare` for the rest.

    Attributes:
        te: Seconds since it began.
        shake: Knock of the camera in heights of the picture, as at te = 0.
        exposure: Factor on the source's light.
        risen: Units by which the gas' fine structure has been carried upwards.
        power, most: Light on the scene for each unit of light seen, and its ceiling.
    """

    te: float
    glow: float = 1.0
    thin: float = 0.0
    fade: float = 1.0
    bright: float = 1.0
    exposure: float = 1.0
    power: float = 9.5
    most: float = 3.2
    flash: float = 0.0
    ring: float = -1.0
    ring_strength: float = 0.0
    haze: float = 1.0
    shade: float = 0.0
    shake: float = 0.0
    risen: float = 0.0
