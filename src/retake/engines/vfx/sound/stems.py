"""Which file makes which effect's sound, and how loud it stands in the mix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from retake.engines.vfx.plan import Cue
from retake.engines.vfx.sound import air, explosion, fire, rain, storm, wind
from retake.engines.vfx.sound.waves import Wave

Render = Callable[[Cue, int, np.random.Generator, int], Wave]

_WINTER_OR_NOISE = frozenset({"rain", "storm", "snow", "fire", "explosion", "wind"})


@dataclass(frozen=True, slots=True)
class Stem:
    """How one effect sounds.

    Attributes:
        render: Makes it: cue, samples, chance, the request's seed -> ``[2, n]`` at `RATE`.
        lufs: Loudness at ordinary strength where the source is quiet or silent.
        above_lu: How far it stands above the source's own loudness, at least.
        blow: Whether it is a blow rather than a lasting sound: measured by its loudest 0.4 s.
    """

    render: Render
    lufs: float
    above_lu: float
    blow: bool = False


_STEMS = {
    "explosion": Stem(explosion.render, -13.0, 8.0, blow=True),
    "storm": Stem(storm.render, -15.0, 5.0, blow=True),
    "fire": Stem(fire.render, -25.0, 0.0),
    "rain": Stem(rain.render, -27.0, -1.0),
    "wind": Stem(wind.render, -28.0, -2.0),
    "smoke": Stem(air.smoke, -36.0, -8.0),
    "snow": Stem(air.snow, -36.0, -8.0),
    "fog": Stem(air.fog, -37.0, -9.0),
    "night": Stem(air.night, -36.0, -8.0),
    "sunset": Stem(air.sunset, -36.0, -8.0),
}
_STILL_NIGHT = Stem(air.stillness, -44.0, -16.0)


def stem_of(cue: Cue, company: frozenset[str]) -> Stem:
    """Return how `cue` sounds in the `company` of other effects.

    No cricket sings in the rain, the snow or beside a fire.
    """
    if cue.effect == "night" and company & _WINTER_OR_NOISE:
        return _STILL_NIGHT
    return _STEMS[cue.effect]
