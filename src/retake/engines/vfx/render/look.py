"""How gas looks: what its noise does to it, how dense it is, what light it is seen in."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from retake.engines.vfx.scene.scene import Scene


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

    displace: float = 1.5
    frequency: float = 1.75
    stretch: float = 1.0
    erode: float = 1.1
    flicker: float = 0.34
    fine: float = 0.35
    density: float = 0.40
    flame: float = 0.55
    bright: float = 1.05
    ambient: tuple[float, float, float] = (0.05, 0.055, 0.066)
    sky: tuple[float, float, float] = (0.62, 0.60, 0.58)
    fire: tuple[float, float, float] = (1.9, 0.68, 0.17)
    albedo: tuple[float, float, float] = (0.34, 0.315, 0.295)
    dust: tuple[float, float, float] = (0.42, 0.36, 0.29)


def in_light_of(scene: Scene, look: Look) -> Look:
    """Return `look` lit as the shot is: dark smoke at night, its sky's colour by day."""
    first = np.asarray(scene.previews[0], np.float32) / 255
    linear = first**2.2
    top = linear[: max(1, len(linear) // 2)].reshape(-1, 3).mean(axis=0)
    level = float(np.clip(linear.mean() / 0.20, 0.16, 1.3))
    hue = top / max(float(top.mean()), 1e-3)
    tint = np.clip(0.55 + 0.45 * hue, 0.6, 1.4) * level

    def lit(colour: tuple[float, float, float]) -> tuple[float, float, float]:
        r, g, b = (float(v) for v in np.asarray(colour) * tint)
        return r, g, b

    return replace(look, ambient=lit(look.ambient), sky=lit(look.sky))
