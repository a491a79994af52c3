"""Where everything on a contact sheet lies, and which frames it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from retake.core.section import Section
from retake.core.source import Source
from retake.media.look.still import fitted_size

COLUMNS = 8
_LEAST_INSIDE = 6
_LEAST_WIDTH = 1800
_MOST_COLUMNS = 14
_LEAST_EACH = 3
_LEAST_CELL = 200

MARGIN, GAP, GUTTER = 44, 10, 112
HEAD, BADGE, LABEL, LEAD, WAVE, RULER = 96, 44, 40, 52, 104, 48
"""Pixels: around everything, between pictures, left of them for names; heights of the bands."""


def chosen_frames(count: int, sections: Sequence[Section]) -> list[int]:
    """Return the numbers of the frames to show: ascending, most of them inside the sections.

    Outside, the frames right at the seams are shown; around a single section one further away, too,
    where there is room. Inside, each stands for an equal part: right at the seams nothing has
    changed yet.
    """
    if len(sections) == 1:
        return _chosen(count, sections[0], COLUMNS)
    # Several sections share one row: each gets its seams, and as many frames as fit.
    room = max(_MOST_COLUMNS // len(sections), _LEAST_EACH)
    return sorted({frame for one in sections for frame in _chosen(count, one, room, far=False)})


def _chosen(count: int, section: Section, columns: int, *, far: bool = True) -> list[int]:
    start, end = section.frames.start, section.frames.end
    before, after = {start - 1} if start else set(), {end} if end < count else set()
    if not before and after and far:
        after.add((end + count) // 2)
    if not after and before and far:
        before.add(start // 2)
    least = _LEAST_INSIDE if far else 1
    room = min(max(columns - len(before) - len(after), least), end - start)
    inside = {start + (2 * part + 1) * (end - start) // (2 * room) for part in range(room)}
    return sorted({*before, *inside, *after})


@dataclass
class Layout:
    """Where everything lies, in pixels; `results` are the rows below the source's, with names."""

    source: Source
    results: Sequence[tuple[str, Source]]
    sections: Sequence[Section]
    numbers: list[int]

    def __post_init__(self) -> None:
        width, height = self.source.video.upright_size
        columns = len(self.numbers)
        box = (368, 276) if width >= height else (300, 400)
        if len(self.sections) > 1:
            shrunk = max(min(box[0] * (COLUMNS + 1) // columns, box[0]), _LEAST_CELL)
            box = (shrunk, box[1] * shrunk // box[0])
        self.cell = fitted_size(self.source.video, box)
        self.left = MARGIN + GUTTER
        self.pitch = max(self.cell[0] + GAP, (_LEAST_WIDTH - self.left - MARGIN) // columns)
        self.width = self.left + columns * self.pitch - GAP + MARGIN
        self.rows_top = HEAD + BADGE
        self.labels_top = self.rows_top + (1 + len(self.results)) * (self.cell[1] + GAP)
        self.waves_top = self.labels_top + LABEL + LEAD
        self.rows = [("SOURCE", self.source), *self.results]
        self.waves = self.rows if any(one.audio for _, one in self.rows) else []
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

    def inside(self, column: int) -> int | None:
        """Return the number of the section that a column shows; None where it shows none."""
        number = self.numbers[column]
        found = (at for at, one in enumerate(self.sections) if number in one.frames)
        return next(found, None)
