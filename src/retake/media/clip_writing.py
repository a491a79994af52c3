"""Writing a clip that travels to another server, so that every server understands it.

H.264 in 4:2:0 with AAC in MP4, finely enough that nothing is seen of it; pictures of more than 8
bits as HEVC in 10 bits. Times are exact.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from retake.core.source import Colour, VideoStream
from retake.media.colour import RGB, FromRgb

_FINEST_CLOCK = 1_000_000
_COMMON_CLOCK = Fraction(1, 90_000)
_BLOCK = 1024
_AUDIO_BITS = 160_000
"""Bits a second for each channel."""
_LAYOUTS = {1: "mono", 2: "stereo"}


@dataclass(frozen=True, slots=True)
class ClipForm:
    """The pictures of a clip that is written.

    Attributes:
        times: When each appears, in seconds; the first one at 0.
        frame_rate: Average frames a second.
        width, height: Of a picture.
        colour: Colour tags.
    """

    times: Sequence[Fraction]
    frame_rate: Fraction
    width: int
    height: int
    colour: Colour


def write_clip(
    path: Path, form: ClipForm, frames: Iterator[RGB], sound: NDArray[np.float32] | None, rate: int
) -> None:
    """Write a clip; it appears whole at `path`.

    Args:
        path: Where, ending in ``.mp4``.
        form: What its pictures are like.
        frames: Full-range RGB ``[H, W, 3]``, uint8 or uint16, as many as there are times.
        sound: float32 ``[channels, samples]`` of one or two channels from 0 on; None for none.
        rate: Its samples a second.
    """
    part = path.with_name(f".{path.stem}.{os.getpid()}.part.mp4")
    try:
        with av.open(str(part), "w", format="mp4", options={"movflags": "faststart"}) as out:
            _Writer(out, form, sound, rate).write(frames)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


class _Writer:
    def __init__(
        self, out: Any, form: ClipForm, sound: NDArray[np.float32] | None, rate: int
    ) -> None:
        self._out = out
        self._form = form
        self._clock = _clock(form.times)
        self._sound, self._rate, self._said = sound, rate, 0
        self._video: Any = None
        self._audio: Any = None
        self._from_rgb: FromRgb | None = None

    def write(self, frames: Iterator[RGB]) -> None:
        for time, rgb in zip(self._form.times, frames, strict=True):
            if self._from_rgb is None:
                self._begin(deep=rgb.dtype == np.uint16)
            self._say(time)
            self._show(time, rgb)
        self._out.mux(self._video.encode(None))
        if self._sound is not None and self._audio is not None:
            self._say(Fraction(self._sound.shape[1], self._rate) + 1)
            self._out.mux(self._audio.encode(None))

    def _begin(self, *, deep: bool) -> None:
        form = self._form
        width, height = form.width + form.width % 2, form.height + form.height % 2
        pix_fmt = "yuv420p10le" if deep else "yuv420p"
        options = (
            {"preset": "veryfast", "x265-params": "log-level=none:crf=12"}
            if deep
            else {"preset": "veryfast", "crf": "12", "x264-params": "log-level=error"}
        )
        video = self._out.add_stream(
            "libx265" if deep else "libx264", rate=form.frame_rate, options=options
        )
        video.width, video.height, video.pix_fmt = width, height, pix_fmt
        video.codec_context.time_base = self._clock
        video.codec_context.gop_size = max(round(2 * form.frame_rate), 1)
        colour = replace(form.colour, full_range=False)
        if colour.matrix == 0:
            # RGB itself, which 4:2:0 cannot be; players take untagged pictures by their height.
            colour = replace(colour, matrix=2)
        context = video.codec_context
        context.color_range, context.colorspace = 1, colour.matrix
        context.color_primaries, context.color_trc = colour.primaries, colour.transfer
        if deep:
            context.codec_tag = "hvc1"
        self._from_rgb = FromRgb(_stream(form, width, height, pix_fmt, colour))
        self._video = video
        if self._sound is not None and self._sound.shape[1]:
            self._audio = self._out.add_stream("aac", rate=self._rate)
            self._audio.codec_context.layout = _LAYOUTS[self._sound.shape[0]]
            self._audio.codec_context.bit_rate = _AUDIO_BITS * self._sound.shape[0]

    def _show(self, time: Fraction, rgb: RGB) -> None:
        height, width = rgb.shape[:2]
        if height % 2 or width % 2:
            wider: Any = np.pad(rgb, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
            rgb = wider
        assert self._from_rgb is not None  # noqa: S101 - for the type checker
        frame = self._from_rgb(rgb)
        frame.pts, frame.time_base = round(time / self._clock), self._clock
        self._out.mux(self._video.encode(frame))

    def _say(self, until: Fraction) -> None:
        """Write the sound up to a moment, in whole blocks but for the last."""
        if self._sound is None or self._audio is None:
            return
        channels, count = self._sound.shape
        while self._said < count and Fraction(self._said, self._rate) <= until:
            block = self._sound[:, self._said : self._said + _BLOCK]
            packed = np.ascontiguousarray(block.T).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(packed, "flt", _LAYOUTS[channels])
            frame.sample_rate, frame.pts = self._rate, self._said
            frame.time_base = Fraction(1, self._rate)
            self._out.mux(self._audio.encode(frame))
            self._said += block.shape[1]


def _clock(times: Sequence[Fraction]) -> Fraction:
    """Return a time base on which all times lie exactly, if there is one that MP4 holds."""
    common = math.lcm(*(time.denominator for time in times))
    return Fraction(1, common * -(-1000 // common)) if common <= _FINEST_CLOCK else _COMMON_CLOCK


def _stream(form: ClipForm, width: int, height: int, pix_fmt: str, colour: Colour) -> VideoStream:
    return VideoStream(
        index=0,
        codec="h264",
        profile=None,
        pix_fmt=pix_fmt,
        bit_depth=10 if pix_fmt == "yuv420p10le" else 8,
        width=width,
        height=height,
        rotation=0,
        sample_aspect_ratio=Fraction(1),
        frame_rate=form.frame_rate,
        time_base=Fraction(1, 1000),
        pts=(0,),
        end_pts=1,
        colour=colour,
    )
