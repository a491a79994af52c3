"""Planning a shot: how it is cut into windows. No torch."""

from __future__ import annotations

from retake.engines.ltx.info import Options
from retake.engines.ltx.rate import Grid
from retake.engines.ltx.window import SPAN_S, Window, frames_within, plan_windows


def windows_for(grid: Grid, options: Options) -> tuple[Window, ...]:
    """Return the windows that make a shot's section."""
    return plan_windows(
        len(grid.section),
        grid.section.start,
        grid.frames - grid.section.end,
        handle=round(options.handle_s * grid.rate),
        room=frames_within(SPAN_S, float(grid.rate)),
    )
