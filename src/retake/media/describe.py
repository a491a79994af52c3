"""From PyAV's streams to the plain values of `core.source`."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import av

from retake.core.source import AudioStream, Colour, VideoStream
from retake.media.opening import fraction, time_base
from retake.media.scan import AudioScan

UNSPECIFIED = 2


def describe_video(
    stream: Any, first: av.VideoFrame, pts: Sequence[int], last_duration: int
) -> VideoStream:
    """Return what is known of the stream of pictures.

    Args:
        stream: The open stream.
        first: Its first shown frame, decoded: it knows the rotation and the true size.
        pts: Presentation times of all shown frames, ascending.
        last_duration: Duration of the last one in the same units; 0 when unknown.
    """
    context = stream.codec_context
    base = time_base(stream.time_base)
    end = pts[-1] + (last_duration or _typical_duration(stream, pts, base))
    rate = fraction(stream.average_rate) or len(pts) / ((end - pts[0]) * base)
    return VideoStream(
        index=stream.index,
        codec=context.codec.canonical_name,
        profile=context.profile,
        pix_fmt=first.format.name,
        bit_depth=first.format.components[0].bits,
        width=first.width,
        height=first.height,
        # FFmpeg's angle counts counter-clockwise and may be any; players round it to quarters.
        rotation=round(-first.rotation / 90) % 4 * 90,
        sample_aspect_ratio=fraction(stream.sample_aspect_ratio) or Fraction(1),
        frame_rate=rate,
        time_base=base,
        pts=tuple(pts),
        end_pts=end,
        colour=_colour(context, first),
        interlaced=first.interlaced_frame,
    )


def describe_sound(stream: Any, scan: AudioScan, video_start: Fraction) -> AudioStream | None:
    """Return what is known of a stream of sound; None when it holds none or cannot be decoded.

    Args:
        stream: The open stream.
        scan: What its packets say.
        video_start: When the first frame is shown, in seconds of the container's clock.
    """
    context = stream.codec_context
    if scan.first is None or scan.end is None or context is None:
        return None
    if not context.sample_rate or not context.layout.nb_channels:
        return None
    base = time_base(stream.time_base)
    start = sound_start(stream, scan.first)
    return AudioStream(
        index=stream.index,
        codec=context.codec.canonical_name,
        profile=context.profile,
        sample_rate=context.sample_rate,
        channels=context.layout.nb_channels,
        layout=context.layout.name,
        time_base=base,
        start=start - video_start,
        duration=max(scan.end * base - start, Fraction(0)),
        frame_size=context.frame_size or 0,
        bit_rate=context.bit_rate,
        # ISO 639-2 for "undetermined".
        language=None if stream.language == "und" else stream.language,
    )


def sound_start(stream: Any, first_pts: int) -> Fraction:
    """Return when a stream's first sample sounds, in seconds of the container's clock.

    Args:
        stream: The open stream.
        first_pts: Presentation time of its first packet, which may hold only samples that
            players leave out (the encoder's priming).
    """
    start = first_pts if stream.start_time is None else max(stream.start_time, first_pts)
    return start * time_base(stream.time_base)


def _typical_duration(stream: Any, pts: Sequence[int], base: Fraction) -> int:
    if len(pts) > 1:
        steps = sorted(after - before for before, after in pairwise(pts))
        return steps[len(steps) // 2]
    rate = fraction(stream.average_rate) or Fraction(25)
    return max(round(1 / (rate * base)), 1)


def _colour(context: Any, first: av.VideoFrame) -> Colour:
    def tag(stream: int, frame: int) -> int:
        return frame if stream == UNSPECIFIED else stream

    return Colour(
        full_range=2 in {context.color_range, first.color_range}
        or first.format.name.startswith("yuvj"),
        primaries=tag(context.color_primaries, first.color_primaries),
        transfer=tag(context.color_trc, first.color_trc),
        matrix=tag(context.colorspace, first.colorspace),
    )
