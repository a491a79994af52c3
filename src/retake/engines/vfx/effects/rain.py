"""Rain: a grey sky, wet ground, drops in depth, splashes, spray on every upper edge."""

from __future__ import annotations

from retake.core.watch import Watch
from retake.engines.vfx.effects.effect import Layer, Picture
from retake.engines.vfx.events import presence
from retake.engines.vfx.plan import Cue
from retake.engines.vfx.scene.scene import Scene
from retake.engines.vfx.weather.wet import WetWeather


class _RainLayer:
    def __init__(self, cue: Cue, scene: Scene, seed: int) -> None:
        self._cue, self._scene = cue, scene
        heavy = 0.35 + 1.1 * cue.strength
        slant = 0.5 * cue.direction if cue.direction else 0.06
        self._weather = WetWeather(
            cue, scene, seed, heavy=heavy, slant=slant, gloom=0.35 + 0.3 * cue.strength
        )

    def draw(self, picture: Picture, frame: int) -> Picture:
        there = presence(self._cue, float(self._scene.times_s[frame]))
        if there == 0:
            return picture
        self._weather.begin(picture, frame, there)
        return self._weather.finish(picture, frame, there)


class Rain:
    """Rain that falls in front of and behind things."""

    name = "rain"

    def prepare(self, cue: Cue, scene: Scene, seed: int, watch: Watch) -> Layer:
        """Return the rain for a cue."""
        watch.check()
        return _RainLayer(cue, scene, seed)


EFFECT = Rain()
