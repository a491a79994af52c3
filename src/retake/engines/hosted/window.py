"""Which frames are handed on, and which section is asked for in them. Pure."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from retake.core.errors import EngineFailed
from retake.core.timing import FrameRange

_STEP = Fraction(1, 1000)


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the upstream server accepts: the shortest section and the longest video, in seconds."""

    min_section: Fraction = Fraction(2)
    max_seconds: Fraction = Fraction(21)


@dataclass(frozen=True, slots=True)
class Window:
    """What is handed on.

    Attributes:
        frames: The frames, in the shot's own numbers; its section is among them.
        opens: When the first of them appears, in the shot's seconds (the section starts at 0).
        start, duration: The section to be asked for, in seconds from `opens`; it covers the shot's.
    """

    frames: FrameRange
    opens: Fraction
    start: Fraction
    duration: Fraction


def window_for(
    times: Sequence[Fraction],
    section: FrameRange,
    duration: Fraction,
    last_frame: Fraction,
    accepted: Accepted,
) -> Window:
    """Return what of a shot is handed on.

    The section that is asked for covers the shot's, on whole milliseconds, and is made longer where
    the upstream server wants more; handles are cut where the whole would be too long.

    Args:
        times: When each frame of the shot appears, in seconds; the section starts at 0.
        section: The section's frames.
        duration: Seconds from the section's start to its end.
        last_frame: How long the shot's last frame is shown, in seconds.
        accepted: What the upstream server accepts.

    Raises:
        EngineFailed: The section is too long for it (``upstream_too_long``), or the shot too short
            (``upstream_too_short``).
    """
    bounds = [*times, max(times[-1] + last_frame, duration)]
    frames = _within(bounds, section, duration, accepted)
    ends = bounds[frames.end]
    opens = times[frames.start]
    length = ends - opens
    if length < accepted.min_section:
        raise EngineFailed(
            "upstream_too_short",
            f"the section and what surrounds it last {float(length):.3f} s; the upstream server "
            f"accepts sections from {float(accepted.min_section):g} s",
        )
    wanted = max(duration, accepted.min_section)
    # Longer at its end first: what happens begins where the user wants it.
    start = max(min(-opens, length - wanted), Fraction(0))
    start = math.floor(start / _STEP) * _STEP
    asked = max(-opens + duration - start, wanted)
    return Window(frames, opens, start, math.ceil(asked / _STEP) * _STEP)


def _within(
    bounds: Sequence[Fraction], section: FrameRange, duration: Fraction, accepted: Accepted
) -> FrameRange:
    """Return the frames that fit into the longest video, as evenly around the section as can be.

    `bounds` are the frames' times, and when the last one ends.
    """
    room = accepted.max_seconds - duration
    if room < 0:
        raise EngineFailed(
            "upstream_too_long",
            f"the section lasts {float(duration):.3f} s; the upstream server accepts videos of at "
            f"most {float(accepted.max_seconds):g} s",
        )
    before, after = -bounds[0], bounds[-1] - duration
    lead = min(before, max(room / 2, room - after))
    first = min(bisect_left(bounds, -lead), section.start)
    last = bisect_right(bounds, bounds[first] + accepted.max_seconds) - 1
    return FrameRange(first, max(last, section.end))
