"""Looking at a video file: what is in it, and whether it can be used at all.

The answer is exact where it matters later: the presentation time of every frame that is shown, the
rotation, the colour tags. The first and the last frame are decoded, so a damaged or half file is
told here and not after minutes of work.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.stream import Disposition

from retake.core.errors import BadSource
from retake.core.request import Limits
from retake.core.source import AudioStream, Source, VideoStream
from retake.media.decode import decode_frames, decode_stream
from retake.media.describe import describe_sound, describe_video
from retake.media.file_type import file_type_of
from retake.media.opening import check_file, damaged, open_source, pixel_allowance
from retake.media.scan import VideoScan, scan, too_long
from retake.media.whole import check_whole, is_fragmented, truncated

_ONE_FRAME_A_PACKET = frozenset({"h264", "hevc", "vp9", "av1", "prores", "mjpeg", "dnxhd", "ffv1"})
"""Codecs whose packets in MP4 and Matroska each hold exactly one shown frame."""


def probe(path: Path, limits: Limits) -> Source:
    """Return what is in the video file at `path`.

    Run this in a process of its own when the file is a stranger's: see `sandbox.probe_safely`.

    Raises:
        BadSource: `not_found`, `is_directory`, `not_a_file`, `no_permission`, `empty`,
            `not_a_video`, `no_video`, `no_frames`, `unsupported_codec`, `encrypted`, `truncated`,
            `damaged`, `too_long`, `too_many_frames`, `too_large` (pixels) or `too_big` (bytes).
    """
    size = check_file(path)
    if size > limits.max_bytes:
        raise BadSource(
            "too_big",
            f"the file has {size} bytes; at most {limits.max_bytes} are accepted",
            param="video_uri",
        )
    check_whole(path, size)
    with open_source(
        path, max_pixels=pixel_allowance(limits.max_long_side, limits.max_short_side)
    ) as container:
        stream = _choose_video(container)
        _check_size(stream.codec_context.width, stream.codec_context.height, limits)
        pictures, sounds = scan(container, stream, limits.max_seconds)
        _check_packets(pictures)
        video = _look(path, container, stream, pictures, limits)
        start = video.pts[0] * video.time_base
        described = [describe_sound(s, sounds[s.index], start) for s in container.streams.audio]
        audio = tuple(sound for sound in described if sound is not None)
        source = Source(
            container=container.format.name,
            video=video,
            audio=_default_first(container, audio),
            other_streams=len(container.streams) - 1 - len(audio),
            size_bytes=size,
            fragmented=container.format.name.startswith("mov") and is_fragmented(path, size),
            file_type=file_type_of(path, container.format.name),
        )
    _check_last(path, source)
    return source


def probe_output(path: Path, source: Source) -> Source:
    """Return what is in a file that was made from `source`, whatever limits held then.

    Looking again at a file that has not changed costs nothing: verification, seams and contact
    sheet all need to know.

    Raises:
        BadSource: As `probe`.
    """
    check_file(path)
    longer, shorter = sorted((source.video.width, source.video.height), reverse=True)
    limits = Limits(
        max_seconds=source.video.duration + 1,
        max_long_side=longer,
        max_short_side=shorter,
        max_bytes=sys.maxsize,
    )
    info = path.stat()
    made = _probe_once(path, limits, (info.st_ino, info.st_mtime_ns, info.st_size))
    # Tracks keep their order: the edited one stands where the source's does.
    tracks = sorted(audio.index for audio in made.audio)
    if source.edited_track < len(tracks):
        made = made.with_track_first(tracks[source.edited_track])
    return made


@lru_cache(maxsize=8)
def _probe_once(path: Path, limits: Limits, _state: tuple[int, int, int]) -> Source:
    return probe(path, limits)


@dataclass
class _Shown:
    """The frames that a decoder gave, as far as they matter here."""

    first: av.VideoFrame
    pts: list[int]
    last_duration: int


def _look(
    path: Path, container: InputContainer, stream: Any, pictures: VideoScan, limits: Limits
) -> VideoStream:
    """Return the description of the pictures, with the first frame decoded and all times known."""
    name, codec = container.format.name, stream.codec_context.codec.canonical_name
    indexed = name.startswith(("mov,", "matroska,")) and codec in _ONE_FRAME_A_PACKET
    frames = decode_stream(
        path, stream.index, max_pixels=pixel_allowance(limits.max_long_side, limits.max_short_side)
    )
    first = next(frames, None)
    if first is None:
        raise damaged("no frame can be decoded")
    _check_size(first.width, first.height, limits)
    if indexed and pictures.timed and pictures.clean_start:
        frames.close()
        shown = _Shown(first, sorted(pictures.pts), pictures.last[1])
    else:
        shown = _Shown(first, [], 0)
        for frame in (first, *frames):
            if frame.pts is None:
                raise damaged("a frame has no presentation time")
            shown.pts.append(frame.pts)
            shown.last_duration = frame.duration
    if any(a >= b for a, b in pairwise(shown.pts)):
        raise damaged("two frames are shown at the same moment")
    video = describe_video(stream, shown.first, shown.pts, shown.last_duration)
    # One frame more, because containers round a film's length up to whole frames.
    if video.duration > limits.max_seconds + 1 / video.frame_rate:
        raise too_long(video.duration, limits.max_seconds)
    return video


def _check_last(path: Path, source: Source) -> None:
    """Decode the last frame, which fails when the end of the pictures is missing or broken."""
    count = len(source.video.pts)
    for _ in decode_frames(path, source, count - 1, count):
        return


def _choose_video(container: InputContainer) -> Any:
    """Return the stream of moving pictures: no cover art, the default one if there are several."""
    streams = [
        stream
        for stream in container.streams.video
        if not stream.disposition & Disposition.attached_pic
    ]
    if not streams:
        found = "only sound" if container.streams.audio else "no pictures"
        raise BadSource(
            "no_video", f"the file holds {found}; a video is accepted", param="video_uri"
        )
    stream: Any = max(streams, key=lambda stream: bool(stream.disposition & Disposition.default))
    if stream.codec_context is None:
        raise BadSource(
            "unsupported_codec",
            "the pictures are in a format that cannot be decoded here; accepted are H.264, HEVC, "
            "VP8, VP9, AV1, ProRes, MPEG-2, MPEG-4 and their like",
            param="video_uri",
        )
    if stream.codec_context.codec_tag in {"encv", "drmi"}:
        raise _encrypted()
    return stream


def _default_first(
    container: InputContainer, audio: tuple[AudioStream, ...]
) -> tuple[AudioStream, ...]:
    """Return the sounds with the default one at the front: it is the one that is edited."""
    return tuple(
        sorted(
            audio,
            key=lambda sound: not container.streams[sound.index].disposition & Disposition.default,
        )
    )


def _check_size(width: int, height: int, limits: Limits) -> None:
    longer, shorter = max(width, height), min(width, height)
    if longer > limits.max_long_side or shorter > limits.max_short_side:
        raise BadSource(
            "too_large",
            f"the pictures are {width}x{height}; at most {limits.max_long_side}x"
            f"{limits.max_short_side} is accepted, in either orientation",
            param="video_uri",
        )


def _check_packets(pictures: VideoScan) -> None:
    if pictures.encrypted:
        raise _encrypted()
    if not pictures.packets or (pictures.timed and not pictures.pts):
        raise BadSource(
            "no_frames",
            "the video track holds no frames; at least one is accepted",
            param="video_uri",
        )
    if pictures.corrupt:
        raise truncated()


def _encrypted() -> BadSource:
    return BadSource(
        "encrypted",
        "the video is encrypted; a video without copy protection is accepted",
        param="video_uri",
    )
