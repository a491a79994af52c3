"""Decoding a plan's pads: frames outside the section whose packets have to be made anew."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import av.error

from retake.core.source import VideoStream
from retake.media.decode import MAX_THREADS
from retake.media.opening import open_source, pixel_allowance
from retake.media.packets import packets_of
from retake.media.pictures.spans import Plan, Span
from retake.media.unspliceable import Unspliceable

Size = tuple[int, int]
"""Width and height."""


def region_frames(
    path: Path,
    video: VideoStream,
    plan: Plan,
    take: Iterator[av.VideoFrame],
    coded: Size | None = None,
) -> Iterator[tuple[int, av.VideoFrame]]:
    """Yield presentation time and picture of every frame of a plan's region, in display order.

    Args:
        path: The source.
        video: Its stream of pictures.
        plan: Which frames are encoded anew.
        take: The section's pictures, in display order.
        coded: Size of the coded pictures, to get the source's with the edges that are not shown.

    Raises:
        Unspliceable: A frame of the source cannot be decoded, or the take has too few.
    """
    pads = (frame for span in plan.pads for frame in pad_frames(path, video, span, coded))
    for pts in plan.region:
        frame = next(take if pts in plan.section else pads, None)
        if frame is None:
            raise Unspliceable(f"there is no picture for the time {pts}")
        yield pts, frame


def pad_frames(
    path: Path, video: VideoStream, span: Span, coded: Size | None = None
) -> Iterator[av.VideoFrame]:
    """Yield the wanted pictures of one span, those hidden by an edit list among them.

    Raises:
        Unspliceable: One of them is missing, damaged or of another shape than the stream.
    """
    wanted = iter(span.pts)
    due = next(wanted, None)
    size = coded or (video.width, video.height)
    for frame in _decoded(path, video, span, cropped=coded is None):
        if due is None:
            return
        if frame.pts is None or frame.pts < due:
            continue
        if frame.pts > due:
            break
        shape = frame.width, frame.height, frame.format.name
        if shape != (*size, video.pix_fmt):
            raise Unspliceable("its pictures change their shape on the way")
        yield frame
        due = next(wanted, None)
    if due is not None:
        raise Unspliceable(f"the decoder did not return the picture for the time {due}")


def _decoded(
    path: Path, video: VideoStream, span: Span, *, cropped: bool
) -> Iterator[av.VideoFrame]:
    with open_source(path, max_pixels=pixel_allowance(video.width, video.height)) as container:
        stream: Any = container.streams[video.index]
        decoder = stream.codec_context
        if not cropped:
            decoder.options = {**decoder.options, "apply_cropping": "0"}
        decoder.thread_type = "AUTO"
        decoder.thread_count = min(os.cpu_count() or 1, MAX_THREADS)
        try:
            for number, packet in enumerate(packets_of(container, video.index)):
                if number >= span.last:
                    break
                if number >= span.first:
                    yield from decoder.decode(_shown(packet))
            yield from decoder.decode(None)
        except av.error.FFmpegError as error:
            raise Unspliceable("a packet cannot be decoded") from error


def _shown(packet: Any) -> Any:
    """Return a packet without the mark that would keep its picture from being shown."""
    if not packet.is_discard:
        return packet
    # PyAV cannot clear the mark; a new packet does not have it. Its bytes are FFmpeg's own: a
    # decoding thread that lets go of a Python object's waits for the interpreter, and for ever
    # where the interpreter, closing the decoder, waits for the thread.
    plain = av.Packet(packet.size)
    plain.update(bytes(packet))
    plain.pts, plain.dts, plain.duration = packet.pts, packet.dts, packet.duration
    plain.time_base, plain.is_keyframe = packet.time_base, packet.is_keyframe
    return plain
