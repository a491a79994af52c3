"""An engine that is quick: flat pictures in a colour of the seed's, a tone of the seed's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from retake.core.errors import EngineFailed
from retake.core.watch import Stage
from retake.engines.engine import EngineInfo, Estimate, Frame, Shot, Sound, Take

INFO = EngineInfo("quick", "1", "Quick", "For tests.", "Makes nothing of beauty.")


class Quick:
    """Makes sections at once; what it was asked for is in `shots`.

    Args:
        failing: Seeds of which it makes nothing.
        drawn: Called for every frame before it is drawn.
    """

    def __init__(
        self, failing: frozenset[int] = frozenset(), drawn: Callable[[], None] | None = None
    ) -> None:
        self.shots: list[Shot] = []
        self._failing, self._drawn = failing, drawn

    def describe(self) -> EngineInfo:
        return INFO

    def warm(self) -> None:
        return

    def check(self, prompt: str, options: Mapping[str, Any]) -> tuple[str, ...]:
        return ()

    def estimate(self, shot: Shot) -> Estimate:
        return Estimate(1, 1)

    def make(self, shot: Shot) -> Take:
        self.shots.append(shot)
        if shot.seed in self._failing:
            raise EngineFailed("no_luck", f"nothing came of seed {shot.seed}")
        frames = self._frames(shot) if shot.mode.replaces_video else None
        return Take(frames, _tone(shot) if shot.mode.replaces_audio else None, (shot.prompt,))

    def _frames(self, shot: Shot) -> Iterator[Frame]:
        for number, frame in enumerate(shot.frames.read(shot.section), start=1):
            if self._drawn is not None:
                self._drawn()
            shot.watch.progress(Stage.GENERATE, number, len(shot.section))
            yield np.full_like(frame, 40 + 20 * (shot.seed % 8))


def _tone(shot: Shot) -> Sound:
    at = np.arange(shot.sound_samples) / shot.rate
    wave = 0.1 * np.sin(2 * np.pi * (500 + 50 * (shot.seed % 8)) * at)
    return Sound(np.tile(wave.astype(np.float32), (shot.channels, 1)), shot.rate)
