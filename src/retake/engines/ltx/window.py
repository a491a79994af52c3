"""Windows: which frames the model sees at once, and which of them are made. Pure.

The model sees 8k + 1 frames: its first latent is one frame, each later one eight. A window is the
section with handles on either side; it is placed so that the section begins with a latent of its
own wherever there is a leading handle. A section too long for one window is made by several, each
of which begins with frames that the one before it has made.

Frames are numbered from the section's first one, so that the leading handle's numbers are negative.
"""

from __future__ import annotations

from dataclasses import dataclass

from retake.core.errors import EngineFailed
from retake.core.timing import FrameRange

CELL = 8
"""Frames of a latent, the first one aside."""

OVERLAP = 17
"""Frames already made that a further window begins with: three latents."""

LEAST_ROOM = 4 * CELL + 1
"""Fewer frames would be all handle and overlap."""

SPAN_S = 20
"""Seconds that the model's positions reach (`pos_embed_max_pos`)."""


@dataclass(frozen=True, slots=True)
class Window:
    """One run of frames that the model sees at once.

    Attributes:
        start: The first of them.
        count: How many there are: 8k + 1.
        made: Those that this window makes for the section.
        opens, closes: Where, counted from the window's first frame, the part that is not known
            begins and ends. What lies before and behind is kept.
        known: How many of the window's frames there are at all, in the source or made already; the
            others stand beyond the video's end, are made with the rest and thrown away.
    """

    start: int
    count: int
    made: FrameRange
    opens: int
    closes: int
    known: int

    @property
    def latents(self) -> int:
        """Video latents in time."""
        return (self.count - 1) // CELL + 1

    def keeps(self, frame: int) -> bool:
        """Return whether a frame, counted from the window's first, is known and stays."""
        return frame < self.opens or self.closes <= frame < self.known


def plan_windows(
    section: int, before: int, after: int, *, handle: int, room: int
) -> tuple[Window, ...]:
    """Return the windows that make a section, in order; what they make follows on without a gap.

    Args:
        section: Frames to make, at least one.
        before: Frames of the source in front of the section.
        after: Frames of the source behind it.
        handle: Frames wanted on either side. There may be up to seven more in front, so that the
            section begins with a latent, and fewer where the source or the room has not so many.
        room: Most frames of a window.

    Raises:
        EngineFailed: The room is less than `LEAST_ROOM` (``window_too_small``).
    """
    if room < LEAST_ROOM:
        raise EngineFailed(
            "window_too_small",
            f"a window of {room} frames is too short; {LEAST_ROOM} are the least: a smaller "
            "working size leaves room for more",
        )
    room -= (room - 1) % CELL
    least = min(handle, CELL)
    shrinking = [(less, less) for less in (*range(handle, CELL, -CELL), least)]
    if section <= OVERLAP:
        # It cannot be shared out between windows; it goes without what comes after it.
        shrinking.append((least, 0))
    for lead, tail in shrinking:
        whole = _last(FrameRange(0, section), _lead(before, lead), section, after, tail)
        if whole.count <= room:
            return (whole,)
    return _chained(section, before, after, min(handle, room // 4), room)


def frames_within(seconds: int, rate: float, room: int | None = None) -> int:
    """Return how many frames (8k + 1) a window may have.

    Args:
        seconds: How long it may last.
        rate: Frames a second.
        room: Most frames that memory allows; None where it sets no limit.
    """
    most = max(int(seconds * rate), 1)
    most = most if room is None else min(most, room)
    return most - (most - 1) % CELL


def _lead(before: int, handle: int) -> int:
    """Return the frames of a leading handle: 8k + 1, or none."""
    if not before or not handle:
        return 0
    wanted = handle + (1 - handle) % CELL
    most = min(before, wanted)
    return most - (most - 1) % CELL


def _last(made: FrameRange, lead: int, section: int, after: int, handle: int) -> Window:
    """Return a window whose made frames end with the section."""
    busy = lead + len(made)
    least = _grown(busy)
    most = busy + after
    wanted = min(_grown(busy + min(after, handle)), most - (most - 1) % CELL)
    count = max(wanted, least)
    return Window(
        start=made.start - lead,
        count=count,
        made=made,
        opens=lead,
        closes=lead + section - made.start,
        known=min(count, most),
    )


def _chained(section: int, before: int, after: int, handle: int, room: int) -> tuple[Window, ...]:
    first_lead = _lead(before, handle)
    tail = min(after, handle)
    capacities = [room - first_lead]
    while sum(capacities) + room - OVERLAP - tail < section:
        capacities.append(room - OVERLAP)
    windows: list[Window] = []
    at = 0
    for number, capacity in enumerate(capacities):
        left = section - at
        later = sum(capacities[number + 1 :]) + room - OVERLAP - tail
        # Parts of about one length, so that no window makes a handful of frames.
        length = min(max(-(-left // (len(capacities) - number + 1)), left - later), capacity)
        lead = OVERLAP if number else first_lead
        # A first part shorter than the overlap would leave the second nothing to begin with.
        length = length if number else min(max(length, OVERLAP), capacity)
        made = FrameRange(at, at + length)
        count = _grown(lead + length)
        windows.append(Window(made.start - lead, count, made, lead, count, count))
        at = made.end
    windows.append(_last(FrameRange(at, section), OVERLAP, section, after, handle))
    return tuple(windows)


def _grown(count: int) -> int:
    """Return the least 8k + 1 that is not less than `count`."""
    return count + (1 - count) % CELL
