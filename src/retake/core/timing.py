"""Exact time: presentation times and frame numbers, never a float.

Every range is half-open, [start, end), so one range ends where the next begins.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

_CLOCK = re.compile(r"(?:(\d+):)?(\d+):(\d{1,2}(?:\.\d+)?)")
_FRAMES = re.compile(r"(\d+)f")
_SECONDS = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)")


@dataclass(frozen=True, slots=True)
class FrameRange:
    """The frames from `start` up to, but not including, `end`."""

    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start

    def __contains__(self, frame: int) -> bool:
        return self.start <= frame < self.end


def frames_shown(times: Sequence[Fraction], start: Fraction, end: Fraction) -> FrameRange:
    """Return the frames on screen at any moment of [start, end).

    `times` holds every frame's presentation time in ascending order; the frames
    need not be evenly spaced. The last frame counts as shown for ever.

    Raises:
        ValueError: The range ends before the first frame is shown.
    """
    # A frame stays on screen until the next one replaces it, so the range opens
    # with the last frame at or before `start`, not the first one after it.
    first = max(bisect_right(times, start) - 1, 0)
    last = bisect_left(times, end)
    if last <= first:
        raise ValueError(f"no frame is shown in [{start}, {end}) s")
    return FrameRange(first, last)


@dataclass(frozen=True, slots=True)
class FrameCount:
    """A length of time told in frames, such as ``48f``: exact once the frame rate is known."""

    frames: int

    def seconds(self, frame_rate: Fraction) -> Fraction:
        """Return the time that this many frames take at `frame_rate` frames a second."""
        return self.frames / frame_rate


def sample_at(time: Fraction, rate: int) -> int:
    """Return the number of the sample nearest to `time` seconds, halves rounded up.

    Every layer cuts sound with this one function, so that they all cut at the same sample.
    """
    return (2 * time * rate + 1) // 2


def parse_time(text: str) -> Fraction | FrameCount:
    """Read seconds (``2``, ``2.5``), clock (``0:02.500``, ``1:00:02``) or frames (``48f``).

    Raises:
        ValueError: `text` is none of the three.
    """
    text = text.strip()
    if match := _FRAMES.fullmatch(text):
        return FrameCount(int(match[1]))
    if match := _CLOCK.fullmatch(text):
        hours, minutes, seconds = match.groups()
        return int(hours or 0) * 3600 + int(minutes) * 60 + Fraction(seconds)
    if _SECONDS.fullmatch(text):
        return Fraction(text)
    raise ValueError(f"{text!r} is not a time; accepted are 2.5, 0:02.500 and 48f")


def seconds_text(time: Fraction, *, digits: int = 3) -> str:
    """Return `time` in seconds for a person to read, rounded to `digits` decimals."""
    return f"{float(time):.{digits}f}"
