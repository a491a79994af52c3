"""Render: one new file from the source's packets and the take's pictures and sound.

A plain MP4 or MOV is patched: see `patch`. Anything else is written anew: see `remux`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from retake.core.conversion import Conversion
from retake.core.report import StreamReport
from retake.core.request import Mode
from retake.core.section import Section
from retake.core.source import Source
from retake.core.watch import Watch
from retake.media.job import Outcome, RenderJob
from retake.media.muxing.form import file_type_named
from retake.media.patch import patch
from retake.media.placed import Placed
from retake.media.remux import remux
from retake.media.saving import saved_whole
from retake.media.take import TakeFiles
from retake.media.unspliceable import Unspliceable


@dataclass(frozen=True)
class Rendered:
    """A rendered file and what was done to its streams.

    Attributes:
        path: Where it lies.
        video: What happened to the pictures.
        audio: What happened to the sound.
        touched: Packets of the pictures that may differ from the source's, in decode order,
            half-open; None when all are the source's own or the numbers no longer compare.
        audio_touched: The same for the sound.
        exact_pads: Whether re-encoded frames outside the section are promised to decode to the
            very samples of the source's.
        fallback: Why a smart render was given up after it had been made; set by who decides it.
        lost: Streams of the source that the new file has no room for, in words.
        parts: Where several sections were spliced: each one's packets within `touched`; those
            between them are the source's own. Empty for one section.
        audio_parts: The same for the sound.
        recoded: Further tracks of sound, by stream index, that the container only holds in another
            codec or wrapped in another way.
    """

    path: Path
    video: StreamReport
    audio: StreamReport
    touched: tuple[int, int] | None
    audio_touched: tuple[int, int] | None
    exact_pads: bool = False
    fallback: str | None = None
    lost: tuple[str, ...] = ()
    recoded: tuple[int, ...] = ()
    parts: tuple[tuple[int, int], ...] = ()
    audio_parts: tuple[tuple[int, int], ...] = ()


def render(
    src: Path,
    dst: Path,
    source: Source,
    section: Section,
    mode: Mode,
    take: TakeFiles,
    watch: Watch,
    *,
    force_full: bool = False,
    conversion: Conversion | None = None,
) -> Rendered:
    """Write `src` with one take in its section to `dst`; see `render_takes`.

    Args:
        src: The source file.
        dst: The new file.
        source: What `probe` found in `src`.
        section: What the take replaces.
        mode: Whether pictures, sound or both are replaced; the rest is copied packet for packet.
        take: The take: pictures as the stream stores them, sound already joined.
        watch: Progress, and a wish to cancel.
        force_full: Encode the streams concerned anew as a whole even where they can be spliced.
        conversion: Another form than the source's, where one is asked for.

    Raises:
        RetakeError: As `render_takes` does.
    """
    takes = (Placed(section, mode, take),)
    return render_takes(
        src, dst, source, takes, watch, force_full=force_full, conversion=conversion
    )


def render_takes(
    src: Path,
    dst: Path,
    source: Source,
    takes: Sequence[Placed],
    watch: Watch,
    *,
    force_full: bool = False,
    conversion: Conversion | None = None,
) -> Rendered:
    """Write `src` with takes in their sections to `dst`, whole or not at all.

    Args:
        src: The source file.
        dst: The new file; an older one is replaced. Its ending picks the container; from MP4 to
            MOV and back only where `conversion` names it, too.
        source: What `probe` found in `src`.
        takes: What replaces which sections, ascending, none in another; at least one.
        watch: Progress goes out as frames of the stage `render`; a wish to cancel comes in.
        force_full: Encode the streams concerned anew as a whole even where they can be spliced.
        conversion: Another form than the source's, where one is asked for.

    Raises:
        RenderFailed: A take does not fit, or a stream cannot be encoded.
        StorageFailed: The file could not be written.
        BadSource: The source cannot be read any more.
        Cancelled: The watch was cancelled.
    """
    wanted = conversion or Conversion()
    job = RenderJob(src, source, tuple(takes), watch, force_full, wanted)
    file_type = file_type_named(dst)
    with saved_whole(dst) as part:
        done = _rendered(job, part, file_type)
    return Rendered(
        dst,
        done.video,
        done.audio,
        done.touched,
        done.audio_touched,
        done.exact_pads,
        lost=done.lost,
        recoded=done.recoded,
        parts=done.parts,
        audio_parts=done.audio_parts,
    )


def _rendered(job: RenderJob, part: Path, file_type: str) -> Outcome:
    if not _converts(job, file_type):
        try:
            return patch(job, part)
        except Unspliceable as why:
            # Of a fragmented file each stream is tried again by itself, in new fragments.
            return remux(job, part, file_type, None if job.source.fragmented else str(why))
    return remux(job, part, file_type)


def _converts(job: RenderJob, file_type: str) -> bool:
    """Return whether the new file is of another form than a plain MP4 or MOV that is patched."""
    own, wanted, audio = job.source.file_type, job.conversion, job.audio
    if not {own, file_type} <= {"mp4", "mov"} or wanted.container not in {None, own}:
        return True
    other_video = wanted.video_codec not in {None, job.source.video.codec}
    return other_video or (audio is not None and wanted.audio_codec not in {None, audio.codec})
