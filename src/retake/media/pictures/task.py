"""What every way of exchanging pictures works on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import av

from retake.core.source import VideoStream
from retake.core.timing import FrameRange
from retake.core.watch import Watch
from retake.media.opening import open_source

Take = Callable[[], Iterator[av.VideoFrame]]
"""Starts reading the section's pictures, in display order."""


@dataclass(frozen=True, slots=True)
class Task:
    """Pictures to exchange, whatever container they come from.

    Attributes:
        src: The source file.
        video: Its stream of pictures.
        section: The frames that the take replaces.
        take: The take.
        spool: Where new samples go.
        watch: Progress and cancelling.
        further: Frames of further sections behind it, ascending; their takes follow in `take`.
        configured: The decoder configuration that other new pictures have left already, in the
            place of the file's own; None for that.
    """

    src: Path
    video: VideoStream
    section: FrameRange
    take: Take
    spool: BinaryIO
    watch: Watch
    further: tuple[FrameRange, ...] = ()
    configured: bytes | None = None

    @property
    def section_pts(self) -> tuple[int, ...]:
        """Presentation times of all sections' frames."""
        parts = (self.section, *self.further)
        return tuple(pts for part in parts for pts in self.video.pts[part.start : part.end])

    @property
    def broken(self) -> bool:
        """Whether frames of the source stand between its sections."""
        pairs = pairwise((self.section, *self.further))
        return any(before.end < after.start for before, after in pairs)

    def config(self) -> bytes:
        """Return the stream's decoder configuration as its container holds it.

        The payload of MP4's avcC, hvcC, av1C … box or of Matroska's CodecPrivate, which are the
        same bytes; empty where there is none.
        """
        if self.configured is not None:
            return self.configured
        with open_source(self.src) as container:
            return bytes(container.streams[self.video.index].codec_context.extradata or b"")
