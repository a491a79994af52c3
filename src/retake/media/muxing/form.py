"""The form of a file that is going to be written: which muxer, and how it is to write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from retake.core.containers import ENDINGS
from retake.core.source import Source, VideoStream

MUXERS: Mapping[str, str] = {
    "mp4": "mp4",
    "mov": "mov",
    "mkv": "matroska",
    "webm": "webm",
    "ts": "mpegts",
    "avi": "avi",
    "mpg": "vob",
    "flv": "flv",
}
"""FFmpeg's muxer for every kind of file that is written."""

_FRAGMENTS = "+frag_keyframe+delay_moov+default_base_moof"
_LEAST_TIMESCALE = 10_000
_MOVIE_TIMESCALE = 90_000


@dataclass(frozen=True, slots=True)
class Form:
    """How a file is written.

    Attributes:
        file_type: What kind it is; see `Source.file_type`.
        options: The muxer's own.
    """

    file_type: str
    options: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def muxer(self) -> str:
        """FFmpeg's name of the muxer."""
        return MUXERS[self.file_type]


def file_type_named(path: Path) -> str:
    """Return the kind of file that a name's ending asks for; MP4 where it says nothing."""
    return ENDINGS.get(path.suffix.lower(), "mp4")


def form_of(file_type: str, source: Source) -> Form:
    """Return how a file of some kind is written so that it keeps what the source has."""
    if file_type in {"mp4", "mov"}:
        flags = _FRAGMENTS if source.fragmented else "+faststart"
        return Form(file_type, _clocks(source.video) | {"movflags": flags})
    if file_type in {"mkv", "webm"}:
        # Which tracks players choose by themselves stays as it is, even where it is none.
        return Form(file_type, {"default_mode": "passthrough"})
    return Form(file_type)


def _clocks(video: VideoStream) -> dict[str, str]:
    """Return the options that let an MP4 hold the pictures' times exactly."""
    scale = video.time_base.denominator
    while scale < _LEAST_TIMESCALE:
        scale *= 2
    return {"video_track_timescale": str(scale), "movie_timescale": str(_MOVIE_TIMESCALE)}
