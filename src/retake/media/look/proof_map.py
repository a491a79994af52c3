"""The proof map: one picture that shows what became of every second of a film, to hand to others.

Time runs from left to right. Above, small pictures of both files; below them a strip for the
pictures and one for every track of sound, coloured by what became of each; then the figures, and
the hashes that bind them to the two files. The same files give the same picture.
"""

from __future__ import annotations

import base64
import io
import math
from pathlib import Path

from PIL import Image, ImageDraw

from retake import __version__
from retake.core.proof import FileFacts, Proof
from retake.core.timing import seconds_text
from retake.media.look.proof_layout import (
    ALIKE,
    GOOD,
    GROUND,
    LINE,
    LOSS,
    MARGIN,
    QUIET,
    SECTION,
    STILL_GAP,
    TEXT,
    WIDTH,
    MapLayout,
    font,
    shortened,
)
from retake.media.look.proof_strips import draw_ruler, draw_section, draw_section_edges, draw_strip
from retake.media.look.proof_table import draw_legend, draw_table
from retake.media.proof.verdict import Verdict
from retake.media.saving import saved_whole

_MOST_LOSSES = 5


def proof_map(proof: Proof, verdict: Verdict, dst: Path) -> None:
    """Write the map of a comparison as a PNG, whole or not at all.

    Raises:
        StorageFailed: The picture cannot be written.
    """
    pictures = [(_still(one.before), _still(one.after)) for one in proof.stills]
    first = next((one for pair in pictures for one in pair if one is not None), None)
    losses = verdict.losses[:_MOST_LOSSES]
    layout = MapLayout(proof, first.width / first.height if first else 16 / 9, len(losses))
    sheet = Image.new("RGB", (WIDTH, layout.height), GROUND)
    draw = ImageDraw.Draw(sheet)
    _draw_head(draw, layout, verdict)
    draw_section(draw, layout, verdict)
    for row, name in enumerate(("Source", "Output") if pictures else ()):
        y = layout.stills_top + row * (layout.still[1] + STILL_GAP)
        middle = y + layout.still[1] / 2
        draw.text((MARGIN, middle), name, font=font(27), fill=TEXT, anchor="lm")
        for column, pair in enumerate(pictures):
            _paste(sheet, draw, layout, column, y, pair[row])
    for row, strip in enumerate(proof.strips):
        draw_strip(sheet, draw, layout, row, strip)
    draw_section_edges(draw, layout, verdict)
    draw_ruler(draw, layout)
    draw_legend(draw, layout)
    draw_table(draw, layout, verdict)
    _draw_foot(draw, layout)
    with saved_whole(dst) as part:
        sheet.save(part, "PNG", optimize=True)


def _still(text: str) -> Image.Image | None:
    if not text:
        return None
    return Image.open(io.BytesIO(base64.b64decode(text)), formats=["PNG"]).convert("RGB")


def _draw_head(draw: ImageDraw.ImageDraw, layout: MapLayout, verdict: Verdict) -> None:
    _draw_badge(draw, verdict)
    left = MARGIN + 108
    for line, at, height, fill in _headings(verdict):
        draw.text((left, at), line, font=font(height), fill=fill, anchor="lm")
    for number, loss in enumerate(verdict.losses[:_MOST_LOSSES]):
        place = left, 150 + number * LOSS + 12
        told = shortened(draw, f"·  {loss}", 24, WIDTH - MARGIN - left)
        fill = TEXT if verdict.alike else SECTION
        draw.text(place, told, font=font(24), fill=fill, anchor="lm")
    draw.text((layout.right, 40), "retake verify", font=font(24), fill=QUIET, anchor="rm")


def _draw_badge(draw: ImageDraw.ImageDraw, verdict: Verdict) -> None:
    """Draw a tick, a wave for "alike", or an exclamation mark."""
    x, y, size = MARGIN + 38, 92, 38
    fill = GOOD if verdict.untouched else ALIKE if verdict.alike else SECTION
    draw.ellipse((x - size, y - size, x + size, y + size), fill=fill)
    if verdict.untouched:
        draw.line((x - 17, y + 1, x - 5, y + 14, x + 18, y - 14), GROUND, 8, joint="curve")
    elif verdict.alike:
        for up in (-9, 9):
            wave = [
                (x + step, y + up - 5 * math.sin(step / 18 * math.pi)) for step in range(-19, 20)
            ]
            draw.line(wave, GROUND, 7, joint="curve")
    else:
        draw.line((x, y - 19, x, y + 5), GROUND, 8)
        draw.ellipse((x - 5, y + 13, x + 5, y + 23), fill=GROUND)


def _headings(verdict: Verdict) -> list[tuple[str, int, int, tuple[int, int, int]]]:
    first, second = "Nothing was lost", "Every picture and every sample is the source's own."
    if verdict.same_file:
        first, second = "The same file", "Both files hold the same bytes."
    elif verdict.section is not None:
        start, end = (seconds_text(time) for time in verdict.section)
        first = f"Only {start} to {end} s was changed"
        second = "Everything outside is the source's own: nothing was lost."
        if not verdict.untouched:
            second = "Outside, not everything is the source's own:"
        if not verdict.alike:
            first = f"Changed from {start} to {end} s, and elsewhere"
    elif not verdict.untouched:
        first = "Not the source's own everywhere"
        second = "No section was changed, but the files differ:"
    return [(first, 72, 46, TEXT), (second, 122, 28, QUIET)]


def _paste(
    sheet: Image.Image,
    draw: ImageDraw.ImageDraw,
    layout: MapLayout,
    column: int,
    y: int,
    picture: Image.Image | None,
) -> None:
    x = round(layout.left + (column + 0.5) * layout.pitch - layout.still[0] / 2)
    box = (x, y, x + layout.still[0] - 1, y + layout.still[1] - 1)
    if picture is None:
        draw.rectangle(box, outline=LINE, width=2)
    else:
        sheet.paste(picture.resize(layout.still, Image.Resampling.LANCZOS), (x, y))


def _draw_foot(draw: ImageDraw.ImageDraw, layout: MapLayout) -> None:
    y = layout.foot_top
    draw.line((MARGIN, y, layout.right, y), fill=LINE, width=2)
    for row, (name, file) in enumerate(
        (("Source", layout.proof.source), ("Output", layout.proof.output))
    ):
        _draw_file(draw, layout, y + 34 + row * 36, name, file)
    how = (
        f"retake {__version__}  ·  compares packets by their bytes and pictures and sound by their "
        "decoded samples; anybody can repeat it:  retake verify SOURCE OUTPUT"
    )
    draw.text((MARGIN, y + 112), how, font=font(20), fill=QUIET, anchor="lm")


def _draw_file(
    draw: ImageDraw.ImageDraw, layout: MapLayout, y: int, role: str, file: FileFacts
) -> None:
    draw.text((MARGIN, y), role, font=font(22), fill=QUIET, anchor="lm")
    name = shortened(draw, file.name, 22, 500)
    draw.text((layout.left, y), name, font=font(22), fill=TEXT, anchor="lm")
    size = f"{file.size_bytes:,} bytes".replace(",", " ")
    draw.text((layout.left + 700, y), size, font=font(22), fill=TEXT, anchor="rm")
    told = f"SHA-256  {file.sha256}"
    draw.text((layout.left + 740, y), told, font=font(21), fill=TEXT, anchor="lm")
