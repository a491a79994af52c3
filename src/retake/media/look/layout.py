"""Where everything on a contact sheet lies, and which frames it shows."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from retake.core.section import Section
from retake.core.source import Source
from retake.media.look.still import fitted_size

COLUMNS = 8
_LEAST_INSIDE = 6
_LEAST_WIDTH = 1800

MARGIN, GAP, GUTTER = 44, 10, 112
HEAD, BADGE, LABEL, LEAD, WAVE, RULER = 96, 44, 40, 52, 104, 48
"""Pixels: around everything, between pictures, left of them for names; heights of the bands."""


def chosen_frames(count: int, section: Section) -> list[int]:
    """Return the numbers of the frames to show: ascending, most of them inside the section.

    Outside it, the frames right at the seams are shown, and one further away where there is room.
    Inside, each stands for an equal part: right at the seams nothing has changed yet.
    """
    start, end = section.frames.start, section.frames.end
    before, after = {start - 1} if start else set(), {end} if end < count else set()
    if not before and after:
        after.add((end + count) // 2)
    if not after and before:
        before.add(start // 2)
    room = min(max(COLUMNS - len(before) - len(after), _LEAST_INSIDE), end - start)
    inside = {start + (2 * part + 1) * (end - start) // (2 * room) for part in range(room)}
    return sorted({*before, *inside, *after})


@dataclass
class Layout:
    """Where everything lies, in pixels."""

    source: Source
    made: Source
    section: Section
    numbers: list[int]

    def __post_init__(self) -> None:
        width, height = self.source.video.upright_size
        self.cell = fitted_size(self.source.video, (368, 276) if width >= height else (300, 400))
        columns = len(self.numbers)
        self.left = MARGIN + GUTTER
        self.pitch = max(self.cell[0] + GAP, (_LEAST_WIDTH - self.left - MARGIN) // columns)
        self.width = self.left + columns * self.pitch - GAP + MARGIN
        self.rows_top = HEAD + BADGE
        self.labels_top = self.rows_top + 2 * (self.cell[1] + GAP)
        self.waves_top = self.labels_top + LABEL + LEAD
        self.waves = [(name, one) for name, one in (("SOURCE", self.source), ("RESULT", self.made))]
        if not self.made.audio and not self.source.audio:
            self.waves = []
        self.ruler_top = self.waves_top + max(len(self.waves), 1) * (WAVE + GAP)
        self.height = self.ruler_top + RULER + 12

    def column_x(self, column: int) -> int:
        """Return a column's left edge."""
        return self.left + column * self.pitch + (self.pitch - GAP - self.cell[0]) // 2

    def row_y(self, row: int) -> int:
        """Return a row's upper edge."""
        return self.rows_top + row * (self.cell[1] + GAP)

    @property
    def right(self) -> int:
        """Return where pictures and waves end."""
        return self.width - MARGIN

    def time_x(self, time: Fraction) -> int:
        """Return where a moment lies on the waves' axis."""
        share = float(time / self.source.video.duration)
        return round(self.left + min(max(share, 0), 1) * (self.right - self.left))

    def inside(self, column: int) -> bool:
        """Return whether a column shows the section."""
        return self.numbers[column] in self.section.frames
