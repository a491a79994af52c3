"""Sections and takes for tests: pictures that show their own numbers, a tone of their own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from retake.core.conversion import Conversion
from retake.core.request import Limits, Mode
from retake.core.section import Section
from retake.core.source import Source
from retake.core.timing import FrameRange
from retake.core.tracks import edited
from retake.core.watch import Watch
from retake.media.probe import probe
from retake.media.render import Rendered, render
from retake.media.sound import sample_at
from retake.media.take import TakeFiles, TakeWriter, write_sound
from tests.clips import picture

FIRST_NUMBER = 1023
"""Number that a take's first picture shows; the following ones count down."""


@dataclass(frozen=True)
class Edit:
    """One render and what it was made from."""

    src: Path
    source: Source
    section: Section
    out: Path
    rendered: Rendered


def section_of(source: Source, first: int, last: int) -> Section:
    """Return the section of the frames [first, last)."""
    video = source.video
    low, high = max(first - 8, 0), min(last + 8, len(video.pts))
    start, end = video.time_of(first), video.time_of(last)
    return Section(
        frames=FrameRange(first, last),
        handles=FrameRange(low, high),
        start=start,
        end=end,
        context_start=video.time_of(low),
        context_end=video.time_of(high),
        requested_start=start,
        requested_duration=end - start,
        clamped=False,
    )


def make_take(folder: Path, source: Source, section: Section) -> TakeFiles:
    """Write a take for a section: pictures numbered from FIRST_NUMBER down, a 900 Hz tone."""
    video = source.video
    pictures = folder / "take.mkv"
    with TakeWriter(pictures, video) as writer:
        for at in range(len(section.frames)):
            rgb = picture(FIRST_NUMBER - at, *video.upright_size)
            writer.write(rgb.astype(np.uint16) * 257 if video.bit_depth > 8 else rgb)
    sound = folder / "take.wav"
    rate, channels, count = 48000, 2, round(section.duration * 48000)
    if source.audio:
        audio = source.audio[0]
        rate, channels = audio.sample_rate, audio.channels
        count = sample_at(audio, section.end) - sample_at(audio, section.start)
    tone = (0.2 * np.sin(2 * np.pi * 900 * np.arange(count) / rate)).astype(np.float32)
    write_sound(sound, np.repeat(tone[None], channels, 0), rate)
    return TakeFiles(pictures, sound)


def edit(
    src: Path,
    folder: Path,
    first: int,
    last: int,
    mode: Mode = Mode.AUDIO_AND_VIDEO,
    *,
    name: str | None = None,
    watch: Watch | None = None,
    force_full: bool = False,
    conversion: Conversion | None = None,
    track: int | str | None = None,
) -> Edit:
    """Render a take into the frames [first, last) of `src`; `last` counts from the end if < 1."""
    source = edited(probe(src, Limits()), track)
    count = len(source.video.pts)
    section = section_of(source, first % count, min(last, count) if last > 0 else count + last)
    take = make_take(folder, source, section)
    out = folder / (name or f"out{src.suffix}")
    rendered = render(
        src,
        out,
        source,
        section,
        mode,
        take,
        watch or Watch(),
        force_full=force_full,
        conversion=conversion,
    )
    return Edit(src, source, section, out, rendered)
