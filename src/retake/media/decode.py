"""Decoding exactly the frames that are shown, by their number in display order.

Packets before the right keyframe are read but not decoded, which is quick for short clips and
needs no trust in any container's seeking.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import av
import av.error

from retake.core.errors import BadSource
from retake.core.source import Source, VideoStream
from retake.core.timing import FrameRange
from retake.media.colour import RGB, ToRgb
from retake.media.opening import damaged, open_source, pixel_allowance

MAX_THREADS = 8
"""Decoder threads; each of them holds a picture, and more than this gain little."""

_INDEXED = ("mov,", "matroska,")

Beat = Callable[[], None]
"""Called for every packet, so that whoever waits can stop the work by raising from it."""


def no_beat() -> None:
    """Watch nothing."""


def decode_stream(
    path: Path,
    index: int,
    *,
    max_pixels: int,
    skip: int = 0,
    strict: bool = False,
    beat: Beat = no_beat,
) -> Generator[av.VideoFrame]:
    """Yield every shown frame of a stream, in display order.

    Args:
        path: The file.
        index: The stream's index in the container.
        max_pixels: See `open_source`.
        skip: Packets of the stream to leave out; the first one decoded should be a keyframe.
        strict: Fail at the least irregularity of a packet instead of concealing it.
        beat: Called for every packet.

    Raises:
        BadSource: `damaged`: a packet cannot be decoded. Errors before the first frame are let
            pass: a recording that starts in the middle of things begins with such packets.
    """
    with open_source(path, max_pixels=max_pixels) as container:
        stream: Any = container.streams[index]
        stream.thread_type = "AUTO"
        stream.thread_count = min(os.cpu_count() or 1, MAX_THREADS)
        if strict:
            stream.codec_context.options |= {"err_detect": "explode"}
        counted = container.format.name == "avi"
        shown = 0
        number = 0
        try:
            for packet in container.demux(stream):
                beat()
                number += 1
                if number <= skip and packet.size:
                    continue
                for frame in _decode(packet, lenient=not shown and not strict):
                    if counted:
                        # AVI has no presentation times, only a constant rate.
                        frame.pts = shown
                    shown += 1
                    yield frame
        except av.error.FFmpegError as error:
            raise damaged(f"packet {number - 1} of the pictures cannot be decoded") from error


def decode_frames(
    path: Path,
    source: Source,
    first: int,
    last: int,
    *,
    strict: bool = False,
    beat: Beat = no_beat,
) -> Iterator[av.VideoFrame]:
    """Yield the frames `first` up to, but not including, `last`, as the stream stores them.

    Args:
        path: The file that `source` describes.
        source: What `probe` found in it.
        first: Number of the first frame, in display order.
        last: One past the last frame's number.
        strict: Fail at the least irregularity of a packet instead of concealing it.
        beat: Called for every packet, those before the first frame too.

    Raises:
        ValueError: There are no such frames.
        BadSource: `damaged`: a frame is missing or cannot be decoded.
    """
    video = source.video
    if not 0 <= first <= last <= len(video.pts):
        raise ValueError(f"there are no frames [{first}, {last}) among {len(video.pts)}")
    if first == last:
        return
    wanted = video.pts[first:last]
    done = 0
    try:
        skip = _packets_before(path, source, wanted[0])
        for frame in _from(path, video, wanted, skip, strict=strict, beat=beat):
            yield frame
            done += 1
    except BadSource:
        # After a jump, frames that lead the keyframe cannot be decoded, and a stream whose
        # keyframes are not clean (a gradual refresh, say) starts late: begin at the beginning.
        yield from _from(path, video, wanted[done:], 0, strict=strict, beat=beat)


def _from(
    path: Path, video: VideoStream, wanted: Sequence[int], skip: int, *, strict: bool, beat: Beat
) -> Iterator[av.VideoFrame]:
    """Yield the frames shown at the moments `wanted`, decoding from packet `skip` on."""
    done = 0
    allowance = pixel_allowance(video.width, video.height)
    for frame in decode_stream(
        path, video.index, max_pixels=allowance, skip=skip, strict=strict, beat=beat
    ):
        if frame.pts is None or frame.pts < wanted[done]:
            continue
        if frame.pts > wanted[done]:
            break
        if (frame.width, frame.height) != (video.width, video.height):
            raise damaged(f"the size changes at {_seconds(video, frame.pts)}")
        yield frame
        done += 1
        if done == len(wanted):
            return
    raise damaged(f"the frame at {_seconds(video, wanted[done])} is missing")


def _seconds(video: VideoStream, pts: int) -> str:
    return f"{float((pts - video.pts[0]) * video.time_base):.3f} s"


class SourceFrames:
    """Upright RGB pictures of a run of a source's frames, decoded when they are asked for.

    Args:
        path: The file that `source` describes.
        source: What `probe` found in it.
        frames: The run, in the source's numbers.
    """

    def __init__(self, path: Path, source: Source, frames: FrameRange) -> None:
        self._path = path
        self._source = source
        self._frames = frames

    @property
    def width(self) -> int:
        """Pixels in a row."""
        return self._source.video.upright_size[0]

    @property
    def height(self) -> int:
        """Rows."""
        return self._source.video.upright_size[1]

    def __len__(self) -> int:
        return len(self._frames)

    def read(self, frames: FrameRange | None = None) -> Iterator[RGB]:
        """Yield the frames of a range of this reader's own numbers; all of them when None.

        Raises:
            ValueError: The range reaches outside.
            BadSource: `damaged`: a frame cannot be decoded.
        """
        chosen = FrameRange(0, len(self)) if frames is None else frames
        if not 0 <= chosen.start <= chosen.end <= len(self):
            raise ValueError(f"there are no frames {chosen} among {len(self)}")
        start = self._frames.start
        to_rgb = ToRgb(self._source.video)
        for frame in decode_frames(
            self._path, self._source, start + chosen.start, start + chosen.end
        ):
            yield to_rgb(frame)


def _decode(packet: Any, *, lenient: bool) -> list[av.VideoFrame]:
    try:
        return packet.decode()
    except av.error.InvalidDataError:
        if lenient:
            return []
        raise


def _packets_before(path: Path, source: Source, pts: int) -> int:
    """Return how many packets precede the last keyframe shown at or before `pts`.

    A keyframe shown later than `pts` does not do even if it comes earlier in the file: the frames
    that it leads need the group before it.
    """
    if not source.container.startswith(_INDEXED):
        return 0
    found = 0
    with open_source(
        path, max_pixels=pixel_allowance(source.video.width, source.video.height)
    ) as container:
        packets = container.demux(container.streams[source.video.index])
        try:
            for number, packet in enumerate(packets):
                if packet.is_keyframe and packet.pts is not None and packet.pts <= pts:
                    found = number
        except av.error.FFmpegError as error:
            raise damaged("a packet cannot be read") from error
    return found
