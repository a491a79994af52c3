"""Colour words and the linear light they stand for."""

from __future__ import annotations

_SRGB = {
    "red": 0xE8200F, "crimson": 0xC01028, "scarlet": 0xFF2410, "orange": 0xFF8410,
    "amber": 0xFFB010, "yellow": 0xFFE030, "golden": 0xFFC23A, "gold": 0xFFC23A,
    "green": 0x28E038, "emerald": 0x20C070, "lime": 0x9CFF20, "teal": 0x20B8B0,
    "turquoise": 0x30E0D0, "cyan": 0x20F0FF, "blue": 0x2860FF, "azure": 0x3C9CFF,
    "indigo": 0x4028D0, "purple": 0x9828F0, "violet": 0x8C30FF, "magenta": 0xFF20D0,
    "pink": 0xFF68B8, "white": 0xFFFFFF, "black": 0x161616, "grey": 0x8C8C8C, "gray": 0x8C8C8C,
    "silver": 0xC8D0DC, "brown": 0x7A4A20,
}  # fmt: skip
"""Display colours; saturated, because they are of light rather than of paint."""

NAMES = frozenset(_SRGB)


def linear(name: str) -> tuple[float, float, float]:
    """Return a colour name as linear RGB, each 0..1 (inverse of the sRGB curve, IEC 61966-2-1).

    Raises:
        KeyError: The name is not in `NAMES`.
    """
    value = _SRGB[name]
    red, green, blue = (((value >> shift) & 0xFF) / 255 for shift in (16, 8, 0))
    return _decode(red), _decode(green), _decode(blue)


def _decode(display: float) -> float:
    light = display / 12.92 if display <= 0.04045 else ((display + 0.055) / 1.055) ** 2.4
    return round(light, 4)
