"""The section: which frames and which moments of a source are made anew."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from retake.core.request import Mode
from retake.core.timing import FrameRange


@dataclass(frozen=True, slots=True)
class Section:
    """The part of a source to redo, on exact frame boundaries.

    Attributes:
        frames: Frames made anew, in display order.
        handles: The section's frames and the context frames on either side.
        start, end: When the first frame of the section appears and when the last one's display
            ends, in seconds. Sound is replaced in exactly this interval.
        context_start, context_end: The same two moments for `handles`.
        requested_start, requested_duration: What was asked for, in seconds.
        clamped: Whether the requested section ran past the source's end and was cut there.
    """

    frames: FrameRange
    handles: FrameRange
    start: Fraction
    end: Fraction
    context_start: Fraction
    context_end: Fraction
    requested_start: Fraction
    requested_duration: Fraction
    clamped: bool

    @property
    def duration(self) -> Fraction:
        """Seconds from the section's start to its end."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Redone:
    """A section, and what of it is made anew."""

    section: Section
    mode: Mode
