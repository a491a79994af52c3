"""The figures of a proof map: how much of each stream became what; the legend of its colours."""

from __future__ import annotations

from collections.abc import Iterator

from PIL import ImageDraw

from retake.core.proof import KEPT, Kind, Strip
from retake.media.look.proof_layout import (
    COLOURS,
    GOOD,
    LINE,
    MARGIN,
    NAMES,
    QUIET,
    SECTION,
    TABLE_HEAD,
    TABLE_ROW,
    TEXT,
    MapLayout,
    font,
)
from retake.media.proof.verdict import Tally, Verdict, amount, level_text

_SIZE = 23


def draw_legend(draw: ImageDraw.ImageDraw, layout: MapLayout) -> None:
    """Draw a swatch and a name for every kind; added and missing only where they occur."""
    met = {kind for strip in layout.proof.strips for kind in strip.kinds}
    shown = [kind for kind in Kind if kind in met or kind not in {Kind.ADDED, Kind.REMOVED}]
    x, y = float(layout.left), layout.legend_top + 14
    for kind in shown:
        box = (x, y - 13, x + 38, y + 13)
        draw.rectangle(box, fill=COLOURS[kind])
        if kind is Kind.CHANGED:
            for step in (6, 18, 30):
                draw.line(
                    (x + step - 6, y + 12, x + step + 6, y - 13), fill=(244, 190, 140), width=3
                )
        draw.text((x + 50, y), NAMES[kind], font=font(_SIZE), fill=TEXT, anchor="lm")
        x += 50 + draw.textlength(NAMES[kind], font=font(_SIZE)) + 54


def draw_table(draw: ImageDraw.ImageDraw, layout: MapLayout, verdict: Verdict) -> None:
    """Draw one row a stream: what is outside the section, kind by kind, and what is inside."""
    names = (
        "OUTSIDE" if verdict.section else "THE WHOLE FILM",
        "identical",
        "bit-exact",
        "encoded again",
        "likeness",
        "changed or lost",
        "IN THE SECTION",
    )
    width = (layout.right - layout.left) / len(names)
    for column, name in enumerate(names):
        if column == len(names) - 1 and verdict.section is None:
            continue
        colour = SECTION if column == len(names) - 1 else QUIET
        place = layout.left + column * width, layout.table_top + TABLE_HEAD // 2
        draw.text(place, name, font=font(19), fill=colour, anchor="lm")
    for row, strip in enumerate(layout.proof.strips):
        y = layout.table_top + TABLE_HEAD + row * TABLE_ROW
        draw.line((MARGIN, y, layout.right, y), fill=LINE, width=1)
        name = "Pictures" if strip.medium == "video" else f"Sound {strip.number}"
        middle = y + TABLE_ROW // 2
        draw.text((MARGIN, middle), name, font=font(_SIZE), fill=TEXT, anchor="lm")
        for column, (told, colour) in enumerate(_cells(strip, verdict, row)):
            place = layout.left + column * width, middle
            draw.text(place, told, font=font(_SIZE), fill=colour, anchor="lm")


def _cells(strip: Strip, verdict: Verdict, row: int) -> Iterator[tuple[str, tuple[int, int, int]]]:
    outside, inside = verdict.outside[row], verdict.inside[row]
    yield amount(strip, outside.total), TEXT
    yield _share(strip, outside, Kind.IDENTICAL), GOOD
    yield _share(strip, outside, Kind.EXACT), GOOD
    yield _share(strip, outside, Kind.NEAR), TEXT if outside.of(Kind.NEAR) else QUIET
    level = "" if outside.worst_db is None else level_text(strip, outside.worst_db)
    yield level, TEXT
    lost = outside.total - outside.of(*KEPT, Kind.NEAR)
    yield (amount(strip, lost) if lost else "none"), SECTION if lost else GOOD
    if verdict.section is not None:
        yield amount(strip, inside.total), SECTION


def _share(strip: Strip, tally: Tally, kind: Kind) -> str:
    count = tally.of(kind)
    if not count:
        return "none"
    # Rounded down: 100 % is said of all, never of nearly all.
    percent = 1000 * count // tally.total / 10
    return f"{amount(strip, count)}  ({percent:.4g} %)"
