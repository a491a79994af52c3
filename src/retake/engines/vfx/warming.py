"""Compiling and loading everything once, before somebody waits for it."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from retake.core.request import Mode
from retake.core.source import Colour
from retake.core.timing import FrameRange
from retake.core.watch import Watch
from retake.engines.engine import Frame, Shot
from retake.engines.vfx.chance import generator
from retake.engines.vfx.drawing import draw
from retake.engines.vfx.plan import SOUNDS, VISUALS, Cue, PromptPlan
from retake.engines.vfx.sound.mix import make_sound
from retake.engines.vfx.understand import understand

_WIDTH, _HEIGHT, _FRAMES, _RATE = 96, 54, 6, 12


class _Noise:
    """A few frames of noise: enough to find points to follow in."""

    width, height = _WIDTH, _HEIGHT

    def __len__(self) -> int:
        return _FRAMES

    def read(self, frames: FrameRange | None = None) -> Iterator[Frame]:
        wanted = frames or FrameRange(0, _FRAMES)
        draw_noise = generator(0, "warming")
        frame = draw_noise.integers(0, 256, (_HEIGHT, _WIDTH, 3)).astype(np.uint8)
        for _ in range(len(wanted)):
            yield frame


def warm(watch: Watch | None = None) -> None:
    """Make a tiny take with every effect, so that all kernels are compiled and cached.

    Raises:
        Cancelled: The watch was cancelled.
    """
    duration_s = _FRAMES / _RATE
    shot = _shot(watch or Watch())
    understand("a warm evening", duration_s, Mode.AUDIO_AND_VIDEO)
    for name in VISUALS:
        plan = PromptPlan("", (Cue(name, 1.0, 0.0, duration_s, 1.0),), ())
        for _ in draw(shot, plan):
            pass
    sounds = tuple(Cue(name, 1.0, 0.0, duration_s) for name in SOUNDS)
    plan = PromptPlan("", (), sounds)
    samples = int(48000 * duration_s)
    make_sound(plan, None, 0, samples, 48000, 2, Mode.AUDIO, 0, shot.watch)


def _shot(watch: Watch) -> Shot:
    return Shot(
        frames=_Noise(),
        section=FrameRange(0, _FRAMES),
        times=[Fraction(k, _RATE) for k in range(_FRAMES)],
        duration=Fraction(_FRAMES, _RATE),
        frame_rate=Fraction(_RATE),
        colour=Colour(full_range=False, primaries=1, transfer=1, matrix=1),
        sound=None,
        sound_start=0,
        sound_samples=0,
        mode=Mode.VIDEO,
        prompt="",
        seed=0,
        watch=watch,
    )
