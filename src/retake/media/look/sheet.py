"""The contact sheet: one picture that shows what a retake did, before and after, seen and heard.

The source's frames lie above the result's, at the same moments; the section's are framed in colour;
below, both sounds run along the film's time, and fine lines lead from each pair to its moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from retake.core.section import Section
from retake.core.source import Source
from retake.core.timing import seconds_text
from retake.core.watch import Watch
from retake.media.look.layout import BADGE, GAP, LABEL, MARGIN, WAVE, Layout, chosen_frames
from retake.media.look.still import stills, thumbnail
from retake.media.look.waveform import draw_waveform, peaks_of
from retake.media.probe import probe_output
from retake.media.saving import saved_whole
from retake.media.sound import read_sound

__all__ = ["contact_sheet", "thumbnail"]

_Rgb = tuple[int, int, int]
_GROUND: _Rgb = (14, 16, 20)
_PANEL: _Rgb = (24, 27, 33)
_ACCENT: _Rgb = (255, 106, 48)
_ACCENT_PANEL: _Rgb = (52, 30, 22)
_TEXT: _Rgb = (236, 238, 242)
_QUIET: _Rgb = (138, 146, 160)
_LINE: _Rgb = (64, 70, 82)
_WAVE: _Rgb = (112, 162, 220)


def contact_sheet(
    src: Path,
    out: Path,
    source: Source,
    sections: Sequence[Section],
    dst: Path,
    watch: Watch | None = None,
) -> None:
    """Write the contact sheet of a finished retake as a JPEG, whole or not at all.

    Arguments and errors are those of `results_sheet`, `out` being the finished file.
    """
    results_sheet(src, [("RESULT", out)], source, sections, dst, watch)


def results_sheet(
    src: Path,
    results: Sequence[tuple[str, Path]],
    source: Source,
    sections: Sequence[Section],
    dst: Path,
    watch: Watch | None = None,
) -> None:
    """Write a sheet that shows several results of one source, one below the other.

    Args:
        src: The source file.
        results: What each is called, and the finished file.
        source: What `probe` found in `src`.
        sections: What was replaced in all of them, ascending.
        dst: Where the picture goes.
        watch: Asked for every packet whether to go on.

    Raises:
        BadSource: One of the files cannot be decoded.
        Cancelled: The watch was cancelled.
        StorageFailed: The picture cannot be written.
    """
    made = [(name, probe_output(out, source)) for name, out in results]
    numbers = chosen_frames(len(source.video.pts), sections)
    layout = Layout(source, made, sections, numbers)
    beat = (watch or Watch()).check
    paths = [src, *(out for _, out in results)]
    sheet = Image.new("RGB", (layout.width, layout.height), _GROUND)
    draw = ImageDraw.Draw(sheet)
    _draw_head(draw, layout)
    for number in range(len(sections)):
        _draw_section_panel(draw, layout, number)
    for row, (path, (name, one)) in enumerate(zip(paths, layout.rows, strict=True)):
        shown = stills(path, one, numbers, layout.cell, beat)
        for column, number in enumerate(numbers):
            _paste(sheet, layout, column, row, shown[number])
        y = layout.row_y(row) + layout.cell[1] // 2
        draw.text((MARGIN, y), name, font=_font(24), fill=_TEXT if row else _QUIET, anchor="lm")
    for column in range(len(numbers)):
        _draw_label(draw, layout, column)
    _draw_sound(sheet, draw, layout, paths)
    with saved_whole(dst) as part:
        sheet.save(part, "JPEG", quality=90, subsampling=0)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size)


def _draw_head(draw: ImageDraw.ImageDraw, layout: Layout) -> None:
    video, first = layout.source.video, layout.sections[0]
    width, height = video.upright_size
    draw.text((MARGIN, 46), "retake", font=_font(40), fill=_TEXT, anchor="lm")
    facts = (
        f"{width} x {height}   ·   {float(video.frame_rate):.6g} frames/s   ·   "
        f"{seconds_text(video.duration)} s   ·   {len(video.pts)} frames"
    )
    draw.text((MARGIN + 156, 50), facts, font=_font(24), fill=_QUIET, anchor="lm")
    told = (
        f"section  {seconds_text(first.start)} to {seconds_text(first.end)} s   ·   "
        f"frames {first.frames.start} to {first.frames.end - 1}"
    )
    if len(layout.sections) > 1:
        new = sum(len(each.frames) for each in layout.sections)
        told = f"{len(layout.sections)} sections   ·   {new} frames made anew"
    draw.text((layout.right, 49), told, font=_font(24), fill=_ACCENT, anchor="rm")


def _draw_section_panel(draw: ImageDraw.ImageDraw, layout: Layout, number: int) -> None:
    """Draw the coloured ground behind a section's columns, with its name on top."""
    columns = [column for column in range(len(layout.numbers)) if layout.inside(column) == number]
    left = layout.left + columns[0] * layout.pitch - GAP // 2
    right = layout.left + (columns[-1] + 1) * layout.pitch - GAP // 2
    top, bottom = layout.rows_top - BADGE + 4, layout.labels_top + LABEL
    draw.rounded_rectangle(
        (left, top, right, bottom), 12, fill=_ACCENT_PANEL, outline=_ACCENT, width=3
    )
    name = "RETAKE"
    if len(layout.sections) > 1:
        section = layout.sections[number]
        whole = (
            f"RETAKE {number + 1}   {seconds_text(section.start)} to {seconds_text(section.end)} s"
        )
        name = whole if right - left > 420 else f"RETAKE {number + 1}"
    draw.text(
        ((left + right) // 2, top + BADGE // 2 - 1),
        name,
        font=_font(24),
        fill=_ACCENT,
        anchor="mm",
    )


def _paste(sheet: Image.Image, layout: Layout, column: int, row: int, picture: Image.Image) -> None:
    mask = Image.new("L", (picture.width * 2, picture.height * 2), 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, mask.width - 1, mask.height - 1), 12, fill=255)
    smooth = mask.resize(picture.size, Image.Resampling.LANCZOS)
    sheet.paste(picture, (layout.column_x(column), layout.row_y(row)), smooth)


def _draw_label(draw: ImageDraw.ImageDraw, layout: Layout, column: int) -> None:
    """Draw a column's moment, and the line that leads to it on the axis below."""
    number, inside = layout.numbers[column], layout.inside(column) is not None
    time = layout.source.video.time_of(number)
    centre = layout.column_x(column) + layout.cell[0] // 2
    y, wide = layout.labels_top + LABEL // 2 - 4, layout.cell[0] >= 240
    draw.text(
        (centre, y),
        f"{seconds_text(time)} s   ·   frame {number}" if wide else f"{seconds_text(time)} s",
        font=_font(21),
        fill=_TEXT if inside else _QUIET,
        anchor="mm",
    )
    top, bottom = layout.labels_top + LABEL + 4, layout.waves_top - 4
    colour = _ACCENT if inside else _LINE
    draw.line((centre, top, layout.time_x(time), bottom), fill=colour, width=2)
    x = layout.time_x(time)
    draw.ellipse((x - 4, bottom - 4, x + 4, bottom + 4), fill=colour)


def _draw_sound(
    sheet: Image.Image, draw: ImageDraw.ImageDraw, layout: Layout, paths: Sequence[Path]
) -> None:
    """Draw all sounds on one scale, the sections shaded, and the ruler below them."""
    width = layout.right - layout.left
    tracks = [
        peaks_of(read_sound(path, one.audio[0], Fraction(0), one.video.duration), width)
        if one.audio
        else np.zeros((2, width))
        for path, (_, one) in zip(paths, layout.rows, strict=True)
    ]
    loudest = max(float(track.max()) for track in tracks)
    spans = [(layout.time_x(one.start), layout.time_x(one.end)) for one in layout.sections]
    for row, ((name, one), peaks) in enumerate(zip(layout.waves, tracks, strict=False)):
        top = layout.waves_top + row * (WAVE + GAP)
        columns = np.tile(np.array(_WAVE, np.uint8), (width, 1))
        for first, last in spans if row else ():
            columns[first - layout.left : last - layout.left] = _ACCENT
        strip = draw_waveform(peaks, loudest, WAVE, columns, _PANEL)
        within = draw_waveform(peaks, loudest, WAVE, columns, _ACCENT_PANEL)
        for first, last in spans:
            cut = (first - layout.left, 0, last - layout.left, WAVE)
            strip.paste(within.crop(cut), cut[:2])
        sheet.paste(strip, (layout.left, top))
        draw.text(
            (MARGIN, top + WAVE // 2),
            name,
            font=_font(24),
            fill=_TEXT if row else _QUIET,
            anchor="lm",
        )
        if not one.audio:
            draw.text(
                (layout.left + 16, top + WAVE // 2 - 16),
                "no sound",
                font=_font(21),
                fill=_QUIET,
                anchor="lm",
            )
    if not layout.waves:
        top = layout.waves_top
        draw.rectangle((layout.left, top, layout.right, top + WAVE), fill=_PANEL)
        for first, last in spans:
            draw.rectangle((first, top, last, top + WAVE), fill=_ACCENT_PANEL)
        draw.text(
            (layout.left + 16, top + WAVE // 2),
            "no sound",
            font=_font(21),
            fill=_QUIET,
            anchor="lm",
        )
    for x in (edge for span in spans for edge in span):
        draw.line((x, layout.waves_top - 2, x, layout.ruler_top - GAP + 6), fill=_ACCENT, width=3)
    _draw_ruler(draw, layout)


def _draw_ruler(draw: ImageDraw.ImageDraw, layout: Layout) -> None:
    duration = layout.source.video.duration
    every = next(step for step in (1, 2, 5, 10, 20, 60, 600) if duration / step <= 24)
    for second in range(0, int(duration) + 1, every):
        x = layout.time_x(Fraction(second))
        draw.line((x, layout.ruler_top - 4, x, layout.ruler_top + 4), fill=_QUIET, width=2)
        draw.text(
            (x, layout.ruler_top + 20), f"{second} s", font=_font(19), fill=_QUIET, anchor="mm"
        )
