"""The strips of a proof map: what became of each picture and moment of sound, along the time."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from retake.core.proof import Kind, Strip
from retake.core.timing import seconds_text
from retake.media.look.proof_layout import (
    COLOURS,
    LINE,
    MARGIN,
    PANEL,
    QUIET,
    SECTION,
    SECTION_PANEL,
    STRIP,
    TEXT,
    MapLayout,
    font,
)
from retake.media.proof.verdict import Verdict, level_text, section_units, units

# Where several units share a column of pixels, the worst of them is shown: nothing is hidden.
_WORST = (
    Kind.IDENTICAL,
    Kind.EXACT,
    Kind.NEAR,
    Kind.ADDED,
    Kind.CHANGED,
    Kind.REMOVED,
)
_HATCH, _HATCH_WIDTH = 12, 3
_LEAST_LABEL = 150


def draw_section(draw: ImageDraw.ImageDraw, layout: MapLayout, verdict: Verdict) -> None:
    """Draw the coloured ground behind the section, and its name and times on top."""
    if verdict.section is None:
        return
    left, right = (layout.time_x(time) for time in verdict.section)
    right = max(right, left + 2)
    draw.rectangle((left, layout.label_top, right, layout.strips_bottom + 10), fill=SECTION_PANEL)
    start, end = (seconds_text(time) for time in verdict.section)
    told = f"{'section' if verdict.given else 'changed'}  {start} to {end} s"
    frames = section_units(layout.proof.strips[0], verdict.section)
    if frames:
        told += f"   ·   frames {frames.start} to {frames.stop - 1}"
    wide = draw.textlength(told, font=font(26))
    middle = min(max((left + right) / 2, layout.left + wide / 2), layout.right - wide / 2)
    y = layout.label_top + 26
    draw.text((middle, y), told, font=font(26), fill=SECTION, anchor="mm")


def draw_section_edges(draw: ImageDraw.ImageDraw, layout: MapLayout, verdict: Verdict) -> None:
    """Draw the two lines that bound the section, over everything else."""
    for time in verdict.section or ():
        x = layout.time_x(time)
        draw.line((x, layout.label_top, x, layout.strips_bottom + 10), fill=SECTION, width=3)


def draw_strip(
    sheet: Image.Image, draw: ImageDraw.ImageDraw, layout: MapLayout, row: int, strip: Strip
) -> None:
    """Draw one stream's strip with its name on the left."""
    top = layout.strip_top(row)
    width = layout.right - layout.left
    draw.rectangle((layout.left, top, layout.right - 1, top + STRIP - 1), fill=PANEL)
    columns = _columns(layout, strip, width)
    sheet.paste(_coloured(columns), (layout.left, top), _mask(columns))
    _draw_levels(draw, layout, strip, top)
    name = "Pictures" if strip.medium == "video" else f"Sound {strip.number}"
    y = top + STRIP // 2
    draw.text((MARGIN, y - 14), name, font=font(27), fill=TEXT, anchor="lm")
    draw.text((MARGIN, y + 18), _codecs(strip), font=font(20), fill=QUIET, anchor="lm")


def _codecs(strip: Strip) -> str:
    before, after = strip.codecs
    told = before if before == after else f"{before}, now {after}"
    return f"{told} · {strip.name}"[:22] if strip.name else told


def _columns(layout: MapLayout, strip: Strip, width: int) -> NDArray[np.int8]:
    """Return the number of the worst kind in each column of pixels; -1 where there is nothing."""
    columns = np.full(width, -1, np.int8)
    for kind, start, end in units(strip):
        first = round(layout.time_x(start)) - layout.left
        last = max(round(layout.time_x(end)) - layout.left, first + 1)
        if kind in {Kind.ADDED, Kind.REMOVED}:
            last = max(last, first + 3)
        part = columns[first:last]
        np.maximum(part, _WORST.index(kind), out=part)
    return columns


def _coloured(columns: NDArray[np.int8]) -> Image.Image:
    """Return the strip's colours; what was changed is hatched, so that grey prints tell it, too."""
    palette = np.array([*(COLOURS[kind] for kind in _WORST), PANEL], np.uint8)
    strip = np.repeat(palette[columns][None], STRIP, axis=0)
    x, y = np.meshgrid(np.arange(columns.size), np.arange(STRIP))
    hatch = (columns == _WORST.index(Kind.CHANGED))[None] & ((x + y) % _HATCH < _HATCH_WIDTH)
    strip[hatch] = strip[hatch] // 2 + 127
    return Image.fromarray(strip)


def _mask(columns: NDArray[np.int8]) -> Image.Image:
    return Image.fromarray(
        np.repeat(np.where(columns < 0, 0, 255)[None], STRIP, 0).astype(np.uint8)
    )


def _draw_levels(draw: ImageDraw.ImageDraw, layout: MapLayout, strip: Strip, top: int) -> None:
    """Write the likeness of stretches that were encoded again onto them, where there is room."""
    first = 0
    for at in range(1, len(strip.kinds) + 1):
        if at < len(strip.kinds) and strip.kinds[at] is strip.kinds[first]:
            continue
        levels = [level for level in strip.levels[first:at] if level is not None]
        left, right = layout.time_x(strip.starts[first]), layout.time_x(strip.starts[at])
        if strip.kinds[first] is Kind.NEAR and levels and right - left >= _LEAST_LABEL:
            told = level_text(strip, min(levels))
            place = (left + right) / 2, top + STRIP // 2
            draw.text(place, told, font=font(19), fill=TEXT, anchor="mm")
        first = at


def draw_ruler(draw: ImageDraw.ImageDraw, layout: MapLayout) -> None:
    """Draw the seconds below the strips, with fine lines between them."""
    every = next(step for step in (1, 2, 5, 10, 30, 60, 300, 600, 3600) if layout.end / step <= 25)
    y = layout.strips_bottom + 10
    draw.line((layout.left, y, layout.right, y), fill=QUIET, width=2)
    for second in range(int(layout.end) + 1):
        x = layout.time_x(Fraction(second))
        told = second % every == 0
        if told or every <= 2:
            draw.line((x, y, x, y + (12 if told else 7)), fill=QUIET, width=2)
        if told:
            draw.text((x, y + 28), f"{second} s", font=font(20), fill=QUIET, anchor="mm")
    for row in range(1, len(layout.proof.strips)):
        between = layout.strip_top(row) - 9
        draw.line((layout.left, between, layout.right, between), fill=LINE, width=1)
