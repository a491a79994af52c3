"""Shots made up for tests: any frames, any times, any sound."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from retake.core.request import Mode
from retake.core.source import Colour
from retake.core.timing import FrameRange
from retake.core.watch import Watch
from retake.engines.engine import Frame, Shot, Sound

PLAIN = Colour(False, 1, 1, 1)


@dataclass(frozen=True)
class Frames:
    """Frames drawn when they are read, each from its own number alone."""

    width: int
    height: int
    count: int
    dtype: Any = np.uint8

    def __len__(self) -> int:
        return self.count

    def read(self, frames: FrameRange | None = None) -> Iterator[Frame]:
        asked = frames or FrameRange(0, self.count)
        for number in range(asked.start, asked.end):
            yield self.draw(number)

    def draw(self, number: int) -> Frame:
        most = np.iinfo(self.dtype).max
        chance = np.random.default_rng(number)
        coarse = chance.integers(most // 5, 4 * most // 5, (2, 3, 3))
        rows = np.linspace(0, 1, self.height)[:, None, None]
        columns = np.linspace(0, 2, self.width)
        left = np.minimum(columns.astype(int), 1)
        share = (columns - left)[None, :, None]
        across = coarse[:, left] * (1 - share) + coarse[:, left + 1] * share
        return (across[0] * (1 - rows) + across[1] * rows).astype(self.dtype)


def tone(channels: int, samples: int, rate: int) -> np.ndarray:
    """Return a different low tone in every channel."""
    at = np.arange(samples) / rate
    tones = [0.2 * np.sin(2 * np.pi * (200 + 70 * number) * at) for number in range(channels)]
    return np.array(tones, np.float32)


def make_shot(
    *,
    size: tuple[int, int] = (96, 64),
    section: int = 24,
    before: int = 12,
    after: int = 12,
    rate: Fraction = Fraction(24),
    times: Sequence[Fraction] | None = None,
    mode: Mode = Mode.AUDIO_AND_VIDEO,
    channels: int = 2,
    sound_rate: int = 48000,
    dtype: Any = np.uint8,
    **more: Any,
) -> Shot:
    """Return a shot; `channels` 0 is a source without sound."""
    count = before + section + after
    if times is None:
        times = [Fraction(number - before) / rate for number in range(count)]
    ends = times[before + section] if after else times[-1] + 1 / rate
    duration = ends - times[before]
    opens = round(times[0] * sound_rate)
    closes = round((times[-1] + 1 / rate) * sound_rate)
    sound = Sound(tone(channels, closes - opens, sound_rate), sound_rate) if channels else None
    rate_out = sound_rate if channels else 48000
    given: dict[str, Any] = {
        "frames": Frames(*size, count, dtype),
        "section": FrameRange(before, before + section),
        "times": times,
        "duration": duration,
        "frame_rate": rate,
        "colour": PLAIN,
        "sound": sound,
        "sound_start": -opens,
        "sound_samples": round(duration * rate_out),
        "mode": mode,
        "prompt": "a cat jumps",
        "seed": 7,
        "watch": Watch(),
        "options": {"preset": "fast", "num_inference_steps": 2},
    }
    return Shot(**{**given, **more})
