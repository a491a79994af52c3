"""Frame rates: which rate the model works at, and how frames come to it and back.

The model is told when each of its frames is shown, in seconds, so that pictures and sound keep
together at any rate; it was trained around 24, 25, 30 and 60 frames a second (diffusers 0.42.1,
``pipelines/ltx2/utils.py``). A source at one of these is taken frame by frame. Any other, one with
a variable rate too, is resampled in time onto an even grid whose first and last frames inside the
section are exactly the section's own, and its result back to the section's exact times.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import numpy as np

from retake.core.timing import FrameRange
from retake.engines.engine import Frame

MODEL_RATES = (Fraction(24), Fraction(25), Fraction(30), Fraction(60))
"""Frames a second around which the model was trained."""

_SAME_RATE = Fraction(1, 200)
"""Share by which a rate may be off and still count as the same: 23.976 is 24, 59.94 is 60."""
_UPPER_BEGINS = Fraction(36)
_SNAP = Fraction(1, 8)
"""Frames are not blended for less than this share of a frame's time: it would only soften them."""


@dataclass(frozen=True, slots=True)
class Mix:
    """A frame made of two: ``(1 - weight)`` of `first` and `weight` of `second`."""

    first: int
    second: int
    weight: Fraction


@dataclass(frozen=True, slots=True)
class Grid:
    """The frames that the model sees, evenly spaced; they cover the shot's handles too.

    Attributes:
        rate: Frames a second, as the model is told.
        frames: How many there are; they are numbered from 0.
        section: Which of them lie in the section.
        times: When each of the shot's frames appears; the section starts at 0.
        shot_section: The section in the shot's own numbers.
        exact: Whether every frame is one of the shot's, one to one.
    """

    rate: Fraction
    frames: int
    section: FrameRange
    times: tuple[Fraction, ...]
    shot_section: FrameRange
    exact: bool

    def time_of(self, frame: int) -> Fraction:
        """Return when a model frame appears, on the shot's clock, in seconds."""
        if self.exact and 0 <= frame < self.frames:
            return self.times[frame]
        return self.times[self.shot_section.start] + (frame - self.section.start) / self.rate

    def taken(self, frame: int) -> Mix:
        """Return which of the shot's frames a model frame is made of."""
        if self.exact:
            return Mix(frame, frame, Fraction(0))
        at = self.time_of(frame)
        last = len(self.times) - 1
        first = min(max(bisect_right(self.times, at) - 1, 0), last)
        second = min(first + 1, last)
        gap = self.times[second] - self.times[first]
        return _snapped(first, second, (at - self.times[first]) / gap if gap else Fraction(0))

    def shown(self, frame: int) -> Mix:
        """Return which model frames frame `frame` of the section (from 0 on) is made of."""
        if self.exact:
            own = self.section.start + frame
            return Mix(own, own, Fraction(0))
        start = self.shot_section.start
        at = (self.times[start + frame] - self.times[start]) * self.rate
        first = int(at)
        second = min(first + 1, len(self.section) - 1)
        return _snapped(self.section.start + first, self.section.start + second, at - first)


def plan_grid(times: Sequence[Fraction], section: FrameRange, frame_rate: Fraction) -> Grid:
    """Return the grid for a shot.

    Args:
        times: When each frame of the shot appears, ascending, handles included.
        section: The section, in the shot's own numbers.
        frame_rate: Average frames a second.

    Raises:
        ValueError: The section is empty or not within the shot.
    """
    if not len(section) or section.start < 0 or section.end > len(times):
        raise ValueError(f"the section {section} does not lie within {len(times)} frames")
    wanted = model_rate(frame_rate)
    if is_same_rate(wanted, frame_rate) and _is_even(times, section.start, frame_rate):
        return Grid(frame_rate, len(times), section, tuple(times), section, exact=True)
    first, last = times[section.start], times[section.end - 1]
    # The rate gives way a little, so that the section's last frame falls onto the grid as well.
    steps = max(round((last - first) * wanted), 1) if last > first else 0
    rate = steps / (last - first) if steps else wanted
    before = int((first - times[0]) * rate)
    after = int((times[-1] - last) * rate)
    inside = FrameRange(before, before + steps + 1)
    return Grid(rate, inside.end + after, inside, tuple(times), section, exact=False)


def model_rate(frame_rate: Fraction) -> Fraction:
    """Return the rate in `MODEL_RATES` that suits a source best.

    A slow source gets a rate that is a whole multiple of its own, where there is one: its frames
    then stay unblended.
    """
    for rate in MODEL_RATES:
        if is_same_rate(rate, frame_rate):
            return rate
    if frame_rate > _UPPER_BEGINS:
        return MODEL_RATES[-1]
    if frame_rate > MODEL_RATES[0]:
        return min(MODEL_RATES[:-1], key=lambda rate: abs(rate - frame_rate))
    for rate in MODEL_RATES[:-1]:
        if is_same_rate(Fraction(max(round(rate / frame_rate), 1)) * frame_rate, rate):
            return rate
    return MODEL_RATES[0]


def is_same_rate(one: Fraction, other: Fraction) -> bool:
    """Return whether two rates are the same to the model."""
    return abs(one - other) <= _SAME_RATE * one


def mixed(frames: Iterable[tuple[int, Frame]], mixes: Iterable[Mix]) -> Iterator[Frame]:
    """Yield the frame of every mix; at most two frames are held at a time.

    Args:
        frames: Numbered frames in ascending order.
        mixes: What is wanted, in ascending order of both its frames.

    Raises:
        ValueError: A frame that is wanted does not come, or has gone by.
    """
    coming = iter(frames)
    held: dict[int, Frame] = {}
    for mix in mixes:
        for wanted in (mix.first, mix.second):
            while wanted not in held:
                number, frame = next(coming, (None, None))
                if number is None or frame is None or number > wanted:
                    raise ValueError(f"frame {wanted} is wanted, but it does not come any more")
                held[number] = frame
            held = {number: frame for number, frame in held.items() if number >= mix.first}
        yield _blend(held[mix.first], held[mix.second], float(mix.weight))


def _snapped(first: int, second: int, weight: Fraction) -> Mix:
    if first == second or weight <= _SNAP:
        return Mix(first, first, Fraction(0))
    if weight >= 1 - _SNAP:
        return Mix(second, second, Fraction(0))
    return Mix(first, second, weight)


def _is_even(times: Sequence[Fraction], first: int, rate: Fraction) -> bool:
    return all(
        abs((time - times[first]) * rate - (at - first)) <= _SNAP for at, time in enumerate(times)
    )


def _blend(one: Frame, other: Frame, weight: float) -> Frame:
    if not weight:
        return one
    sum_ = one.astype(np.float32) * np.float32(1 - weight) + other * np.float32(weight)
    return cast("Frame", (sum_ + np.float32(0.5)).astype(one.dtype))
