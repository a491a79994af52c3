"""A small made-up shot: sky above, a house, textured ground, a camera that pans."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from retake.core.request import Mode
from retake.core.source import Colour
from retake.core.timing import FrameRange
from retake.core.watch import Watch
from retake.engines.engine import Frame, Shot, Sound


class Frames:
    """Frames in memory, read like a file's."""

    def __init__(self, frames: Sequence[Frame]) -> None:
        self._frames = frames

    @property
    def width(self) -> int:
        return self._frames[0].shape[1]

    @property
    def height(self) -> int:
        return self._frames[0].shape[0]

    def __len__(self) -> int:
        return len(self._frames)

    def read(self, frames: FrameRange | None = None) -> Iterator[Frame]:
        wanted = frames or FrameRange(0, len(self._frames))
        yield from self._frames[wanted.start : wanted.end]


def picture(width: int, height: int, pan: float = 0.0) -> np.ndarray:
    """Return one 8-bit RGB picture; `pan` moves everything to the left, in pixels."""
    x = (np.arange(width) + pan)[None] / height
    y = ((np.arange(height) + 0.5) / height)[:, None]
    sky = np.stack(np.broadcast_arrays(150 + 40 * y, 190 + 30 * y, 245 + 0 * x), -1)
    wave = 22 * np.sin(60 * x + 9 * np.sin(37 * y)) * np.sin(90 * y * y)
    ground = np.stack(np.broadcast_arrays(70 + wave, 110 + wave, 45 + 0.5 * wave), -1)
    out = np.where((y < 0.5)[..., None], sky, ground)
    bricks = 12 * ((np.floor(30 * x) + np.floor(24 * y)) % 2)
    house = np.stack(np.broadcast_arrays(120 + bricks, 80 + bricks, 70 + bricks), -1)
    inside = (x > 0.5) & (x < 0.95) & (y > 0.28) & (y < 0.66)
    return np.clip(np.where(inside[..., None], house, out), 0, 255).astype(np.uint8)


def times(count: int, rate: int = 24, *, uneven: bool = False) -> list[Fraction]:
    """Return presentation times; uneven ones hold every third frame twice as long."""
    steps = [2 if uneven and k % 3 == 2 else 1 for k in range(count)]
    return [Fraction(sum(steps[:k]), rate) for k in range(count)]


def make_shot(
    prompt: str = "",
    *,
    size: tuple[int, int] = (128, 72),
    count: int = 16,
    rate: int = 6,
    mode: Mode = Mode.VIDEO,
    seed: int = 5,
    deep: bool = False,
    uneven: bool = False,
    watch: Watch | None = None,
    options: dict[str, Any] | None = None,
) -> Shot:
    """Return a shot whose every frame belongs to the section."""
    frames: list[Frame] = [picture(*size, pan=0.6 * k * size[0] / 128) for k in range(count)]
    if deep:
        frames = [frame.astype(np.uint16) * 257 + 13 for frame in frames]
    at = times(count, rate, uneven=uneven)
    duration = at[-1] + Fraction(1, rate)
    rng = np.random.default_rng(1)
    sound = Sound(rng.normal(0, 0.05, (2, int(duration * 16000))).astype(np.float32), 16000)
    return Shot(
        frames=Frames(frames),
        section=FrameRange(0, count),
        times=at,
        duration=duration,
        frame_rate=Fraction(rate),
        colour=Colour(full_range=False, primaries=1, transfer=1, matrix=1),
        sound=sound,
        sound_start=0,
        sound_samples=sound.samples.shape[1],
        mode=mode,
        prompt=prompt,
        seed=seed,
        watch=watch or Watch(),
        options=options or {},
    )
