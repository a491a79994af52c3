"""The generated section on disk, between the step that makes it and the step that renders it.

Pictures are kept without loss (in NUT, FFmpeg's own container) exactly as the encoder will get
them: in the source's pixel format and storage orientation. Sound is a WAV file of 32-bit floats.
Both appear under their names whole or not at all.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import av
import av.error
import numpy as np
from numpy.typing import NDArray
from scipy.io import wavfile

from retake.core.source import VideoStream
from retake.media.colour import FULL_RANGE, RGB, STUDIO_RANGE, FromRgb
from retake.media.opening import damaged

_CLOCK = Fraction(1, 1000)
_LEAST_SLICED = 640
_FORMAT_TAG = "RETAKE_PIX_FMT"


@dataclass(frozen=True)
class TakeFiles:
    """Where a take lies: its pictures, its sound; None for what the mode keeps."""

    video: Path | None
    sound: Path | None


class TakeWriter:
    """Writes a take's pictures one by one; use it in a `with` statement.

    The file appears when the block ends well; after an error nothing is left of it.

    Args:
        path: Where the pictures will lie.
        video: The stream that they are for.
    """

    def __init__(self, path: Path, video: VideoStream) -> None:
        self._path = path
        self._part = path.with_name(f".{path.name}.{os.getpid()}.part")
        self._from_rgb = FromRgb(video)
        self._out = av.open(self._part, "w", format="nut")
        self._stream = self._add_stream(video)
        self.frames = 0
        """Pictures written so far."""

    def write(self, rgb: RGB) -> None:
        """Add one upright full-range RGB picture ``[H, W, 3]`` of the stream's upright size."""
        frame = self._from_rgb(rgb)
        if frame.format.name != self._stream.pix_fmt:
            frame = _relabel(frame, self._stream.pix_fmt)
        frame.pts, frame.time_base = self.frames, _CLOCK
        self._out.mux(self._stream.encode(frame))
        self.frames += 1

    def close(self) -> None:
        """Finish the file and give it its name."""
        self._out.mux(self._stream.encode(None))
        self._out.close()
        _publish(self._part, self._path)

    def discard(self) -> None:
        """Leave nothing behind."""
        self._out.close()
        self._part.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

    def _add_stream(self, video: VideoStream) -> Any:
        # Lossless codecs know full range by its tag, not by FFmpeg's old yuvj names.
        name = video.pix_fmt.replace("yuvj", "yuv")
        codec = _codec_for(name, video)
        stream: Any = self._out.add_stream(codec, rate=1000)
        stream.width, stream.height, stream.pix_fmt = video.width, video.height, name
        stream.metadata[_FORMAT_TAG] = video.pix_fmt
        context = stream.codec_context
        context.time_base = _CLOCK
        context.thread_count = min(os.cpu_count() or 1, 8)
        context.color_range = FULL_RANGE if video.colour.full_range else STUDIO_RANGE
        context.colorspace = video.colour.matrix
        if codec == "ffv1":
            # Version 3 with slices is the one that works on several cores at once.
            context.options = {"level": "3", "slices": "16", "slicecrc": "0", "context": "0"}
        return stream


def read_take(path: Path) -> Iterator[av.VideoFrame]:
    """Yield a take's pictures in order, in the pixel format of the stream that they are for.

    Raises:
        BadSource: `damaged`: the file is not what `TakeWriter` wrote.
    """
    # This is a file of our own, in a container that strangers' files are not accepted in.
    with av.open(f"file:{path.absolute()}", format="nut") as container:
        stream: Any = container.streams.video[0]
        stream.thread_type = "AUTO"
        name = stream.metadata.get(_FORMAT_TAG, stream.pix_fmt)
        try:
            for frame in container.decode(stream):
                yield frame if frame.format.name == name else _relabel(frame, name)
        except av.error.FFmpegError as error:
            raise damaged("the take cannot be read back") from error


def write_sound(path: Path, samples: NDArray[np.float32], rate: int) -> None:
    """Write sound as a WAV file of floats, which holds every sample exactly.

    Args:
        path: Where it will lie.
        samples: ``[channels, samples]``; values beyond 1 are kept.
        rate: Samples a second.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        wavfile.write(part, rate, np.ascontiguousarray(samples.T, dtype=np.float32))
        _publish(part, path)
    finally:
        part.unlink(missing_ok=True)


def read_sound_file(path: Path) -> tuple[NDArray[np.float32], int]:
    """Return what `write_sound` wrote: float32 ``[channels, samples]`` and samples a second."""
    rate, samples = cast("tuple[int, NDArray[np.float32]]", wavfile.read(path))
    columns = samples[:, None] if samples.ndim == 1 else samples
    return np.ascontiguousarray(columns.T), rate


def _codec_for(pix_fmt: str, video: VideoStream) -> str:
    """Return FFmpeg's name of the quickest lossless codec for the stream's pictures."""

    def holds(codec: str) -> bool:
        formats = av.Codec(codec, "w").video_formats or ()
        return pix_fmt in {each.name for each in formats}

    # Measured at 1080p, processor time to write a picture and to read it: Ut Video 6 to 9 ms and 5
    # to 7, FFVHuff 5 and 11 for a third more bytes, FFV1 38 and 29 for half as many. A take is
    # written and read once, while somebody waits.
    if holds("utvideo") and not (video.width % 2 or video.height % 2):
        return "utvideo"
    if holds("ffvhuff") and not video.width % 2:
        return "ffvhuff"
    # FFV1 cannot cut small pictures of odd width into slices.
    return "ffv1" if holds("ffv1") and video.width >= _LEAST_SLICED else "rawvideo"


def _relabel(frame: av.VideoFrame, name: str) -> av.VideoFrame:
    """Return a frame with the same samples under FFmpeg's other name of the same format."""
    same: Any = {"src_colorspace": 1, "dst_colorspace": 1}
    renamed = frame.reformat(
        format=name, src_color_range=FULL_RANGE, dst_color_range=FULL_RANGE, **same
    )
    renamed.colorspace = frame.colorspace
    return renamed


def _publish(part: Path, path: Path) -> None:
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(path)
