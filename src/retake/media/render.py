"""Render: one new file from the source's packets and the take's pictures and sound.

An MP4 or MOV is patched: see `patch`. Anything else is written anew: see `reencode`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from retake.core.report import StreamReport
from retake.core.request import Mode
from retake.core.section import Section
from retake.core.source import Source
from retake.core.watch import Watch
from retake.media.job import RenderJob
from retake.media.mux import muxer_of
from retake.media.patch import patch
from retake.media.reencode import reencode
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
    """

    path: Path
    video: StreamReport
    audio: StreamReport
    touched: tuple[int, int] | None
    audio_touched: tuple[int, int] | None
    exact_pads: bool = False
    fallback: str | None = None


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
) -> Rendered:
    """Write `src` with a take in its section to `dst`, whole or not at all.

    Args:
        src: The source file.
        dst: The new file; an older one is replaced. Where the source cannot be patched, its
            ending picks the container: .mp4, .mov, .mkv or .webm.
        source: What `probe` found in `src`.
        section: What the take replaces.
        mode: Whether pictures, sound or both are replaced; the rest is copied packet for packet.
        take: The take: pictures as the stream stores them, sound already joined.
        watch: Progress goes out as frames of the stage `render`; a wish to cancel comes in.
        force_full: Encode the streams concerned anew as a whole even where they can be spliced.

    Raises:
        RenderFailed: The take does not fit, or a stream cannot be encoded.
        StorageFailed: The file could not be written.
        BadSource: The source cannot be read any more.
        Cancelled: The watch was cancelled.
    """
    job = RenderJob(src, source, section, mode, take, watch, force_full)
    with saved_whole(dst) as part:
        try:
            done = patch(job, part)
        except Unspliceable as why:
            done = reencode(job, part, muxer_of(dst), str(why))
    return Rendered(dst, done.video, done.audio, done.touched, done.audio_touched, done.exact_pads)
