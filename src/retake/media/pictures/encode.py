"""Encoding one closed run of frames, one packet for every frame."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, BinaryIO

import av
import av.error

from retake.core.errors import RenderFailed
from retake.core.source import VideoStream
from retake.media.mp4.boxes import boxes_in, parse
from retake.media.mp4.tables import Track
from retake.media.pace import usual_pace
from retake.media.pictures.recipe import Recipe

_INTERLACED = 1 << 18 | 1 << 29
_OF_FIELDS = frozenset({"libx264", "mpeg2video", "mpeg4"})
_MAX_THREADS = 12
_NEVER_RETIMED = 100_000


@dataclass(frozen=True, slots=True)
class Encoded:
    """One encoded frame: its time, whether decoding can start there, and where its bytes lie."""

    pts: int
    key: bool
    start: int
    size: int


class Encoder:
    """Encodes frames of one stream into a spool file.

    Args:
        recipe: How.
        video: The stream that they belong to: size, shape, colour, rate.
        spool: Where the samples go.
        muxer: FFmpeg's muxer name, ``mp4`` or ``mov``, where `description` is wanted.
        wrap: What becomes of every packet before that.

    Attributes:
        samples: What came out so far, in decoding order.
    """

    def __init__(
        self,
        recipe: Recipe,
        video: VideoStream,
        spool: BinaryIO,
        muxer: str | None = None,
        wrap: Callable[[bytes], bytes] = bytes,
    ) -> None:
        self.samples: list[Encoded] = []
        self._pts: list[int] = []
        self._spool, self._wrap = spool, wrap
        self._header = io.BytesIO()
        # Nothing is muxed: the container only writes its head, with the sample entry in it.
        # Matroska takes every codec.
        options = {"movflags": "empty_moov"} if muxer else {}
        self._container = av.open(
            self._header, "w", format=muxer or "matroska", container_options=options
        )
        self._stream: Any = add_encoder(self._container, recipe, video)
        with encoder_errors(), usual_pace():
            self._container.start_encoding()

    def push(self, frame: av.VideoFrame, pts: int, kind: int = 0) -> Iterator[Encoded]:
        """Take the next frame in display order; yield the packets that are ready.

        Args:
            frame: The picture.
            pts: When it is shown.
            kind: FFmpeg's number of the picture type that it has to get; 0 for the encoder's
                choice.

        Raises:
            RenderFailed: The encoder refused it.
        """
        frame.pts, frame.time_base = len(self._pts), self._stream.codec_context.time_base
        # A type left over from decoding would force the encoder's hand.
        frame.pict_type = kind
        self._pts.append(pts)
        yield from self._encode(frame)

    def finish(self) -> Iterator[Encoded]:
        """Yield the packets that were held back."""
        yield from self._encode(None)

    def description(self) -> Track:
        """Return a track without samples whose sample entry describes what was encoded."""
        head = self._header.getvalue()
        moov = next(data for kind, data in boxes_in(head) if kind == b"moov")
        tree = parse(b"moov", moov)
        return Track(tree.get(b"trak"))

    @property
    def extradata(self) -> bytes:
        """The configuration that the encoder gives a decoder, in FFmpeg's form for it."""
        return bytes(self._stream.codec_context.extradata or b"")

    def close(self) -> None:
        """Give back the encoder's memory."""
        self._container.close()

    def _encode(self, frame: av.VideoFrame | None) -> Iterator[Encoded]:
        with encoder_errors():
            for packet in self._stream.codec_context.encode_lazy(frame):
                data = self._wrap(bytes(packet))
                start = self._spool.seek(0, os.SEEK_END)
                self._spool.write(data)
                key = bool(packet.is_keyframe)
                sample = Encoded(self._pts[packet.pts], key, start, len(data))
                self.samples.append(sample)
                yield sample


def add_encoder(container: Any, recipe: Recipe, video: VideoStream) -> Any:
    """Return a new stream of an output container, set up to encode `video`'s pictures.

    Its time base is one frame: frames are numbered, their real times are put on afterwards.
    """
    rate = video.frame_rate.limit_denominator(_NEVER_RETIMED) or Fraction(25)
    stream = container.add_stream(recipe.encoder, rate=rate, options=dict(recipe.options))
    coder = stream.codec_context
    coder.width, coder.height, coder.pix_fmt = video.width, video.height, recipe.pix_fmt
    coder.time_base, coder.framerate = 1 / rate, rate
    coder.max_b_frames, coder.gop_size = recipe.b_frames, recipe.gop
    coder.thread_count = min((os.cpu_count() or 1) * 3 // 2, _MAX_THREADS)
    if video.sample_aspect_ratio != 1:
        coder.sample_aspect_ratio = video.sample_aspect_ratio
    colour = video.colour
    coder.color_range = 2 if colour.full_range else 1
    coder.color_primaries, coder.color_trc = colour.primaries, colour.transfer
    coder.colorspace = colour.matrix
    if video.interlaced and recipe.encoder in _OF_FIELDS:
        coder.flags |= _INTERLACED
    if recipe.tag:
        coder.codec_tag = recipe.tag
    return stream


@contextmanager
def encoder_errors() -> Generator[None]:
    """Turn an encoder's refusal into RenderFailed.

    Raises:
        RenderFailed: `not_encoded`.
    """
    try:
        yield
    except av.error.FFmpegError as error:
        if isinstance(error, OSError):
            raise
        raise RenderFailed(
            "not_encoded", f"the new pictures could not be encoded: {error.strerror}"
        ) from error
