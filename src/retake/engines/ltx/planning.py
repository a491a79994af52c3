"""Planning a shot: which frames the model may see, and how they are cut into windows. No torch."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from retake.core.timing import FrameRange
from retake.engines.engine import Shot
from retake.engines.ltx.info import Options
from retake.engines.ltx.rate import Grid, plan_grid
from retake.engines.ltx.window import CELL, SPAN_S, Window, frames_within, plan_windows


def frames_for(shot: Shot, options: Options) -> FrameRange:
    """Return the shot's frames that its windows are made of: the section and what is near it.

    How evenly the others follow each other must not count.
    """
    reach = options.handle_s + CELL / shot.frame_rate
    opens = shot.times[shot.section.start] - reach
    closes = shot.times[shot.section.end - 1] + reach
    return FrameRange(bisect_left(shot.times, opens), bisect_right(shot.times, closes))


def grid_for(shot: Shot, seen: FrameRange) -> Grid:
    """Return the model's frames for some of a shot's, which are numbered from the first of them."""
    section = shot.section
    own = FrameRange(section.start - seen.start, section.end - seen.start)
    return plan_grid(shot.times[seen.start : seen.end], own, shot.frame_rate)


def windows_for(grid: Grid, options: Options) -> tuple[Window, ...]:
    """Return the windows that make a shot's section."""
    return plan_windows(
        len(grid.section),
        grid.section.start,
        grid.frames - grid.section.end,
        handle=round(options.handle_s * grid.rate),
        room=frames_within(SPAN_S, float(grid.rate)),
    )
