"""The fallback: a gentle grade in the prompt's mood, where no effect was understood."""

from __future__ import annotations

import re

import numpy as np

from retake.core.watch import Watch
from retake.engines.vfx.effects.effect import Layer, Picture
from retake.engines.vfx.events import presence
from retake.engines.vfx.plan import Cue
from retake.engines.vfx.scene.scene import Scene
from retake.engines.vfx.weather.curves import toned
from retake.engines.vfx.weather.plate import Plate


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall("[a-z]+", text.lower()))


_WARM = _words(
    """warm happy joyful cheerful cosy cozy romantic love golden summer smile smiles laugh laughs
    laughing friendly tender sweet bright sunny party dance dances dancing celebrate"""
)
_COLD = _words(
    """cold sad lonely grief mourning cry cries crying winter blue tense fear scared afraid horror
    scary dark angry threatening danger dangerous sinister serious shouts screams death"""
)
_STRENGTH = 0.45


class _MoodLayer:
    def __init__(self, cue: Cue, scene: Scene) -> None:
        self._cue, self._scene = cue, scene
        self._plate = Plate(scene.width, scene.height)
        w, h = self._plate.size
        x = np.linspace(-1, 1, w, dtype=np.float32)[None] ** 2
        y = np.linspace(-1, 1, h, dtype=np.float32)[:, None] ** 2
        self._corners = ((x + y) / 2)[..., None]

    def draw(self, picture: Picture, frame: int) -> Picture:
        there = presence(self._cue, float(self._scene.times_s[frame])) * self._cue.strength
        if there == 0:
            return picture
        plate = self._plate
        plate.begin(picture)
        tint = np.array(self._cue.colour or (1, 1, 1), np.float32) - 1
        plate.gain[:] = there * (tint - 0.22 * self._corners)
        plate.fade[:] = there * (0.12 if tint[0] >= 0 else 0.35)
        return plate.develop(picture, tone=toned(0.12 * there))


class Mood:
    """A grade: warmer, colder, or only a little more contrast."""

    name = "mood"

    def prepare(self, cue: Cue, scene: Scene, seed: int, watch: Watch) -> Layer:  # noqa: ARG002
        """Return the grade for a cue of `mood_cue`."""
        watch.check()
        return _MoodLayer(cue, scene)


def mood_cue(prompt: str, duration_s: float) -> Cue:
    """Return the grade that a prompt's words call for, over the whole section."""
    words = _words(prompt)
    balance = len(words & _WARM) - len(words & _COLD)
    colour = (1.0, 1.0, 1.0)
    if balance > 0:
        colour = (1.10, 1.0, 0.86)
    elif balance < 0:
        colour = (0.82, 0.95, 1.08)
    return Cue("mood", 0.0, 0.0, duration_s, _STRENGTH, colour)


EFFECT = Mood()
