"""Sound of a source as samples, on the grid that its own packets lie on.

Time 0 is the first frame's appearance, as everywhere. Sample numbers count from the stream's first
sounding sample; everybody who needs the sample of a moment asks `sample_at`, so that the parts of a
section always add up.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
from numpy.typing import NDArray

from retake.core import timing
from retake.core.source import AudioStream
from retake.media.describe import sound_start
from retake.media.opening import damaged, open_source, time_base

_GAP_S = Fraction(1, 20)
"""A jump of the packets' times by more than this is a gap; less is a container's coarse clock."""

_DTYPES = {
    "u8": np.uint8,
    "s16": np.int16,
    "s32": np.int32,
    "s64": np.int64,
    "flt": np.float32,
    "dbl": np.float64,
}

_SKIP_MANUAL = 1 << 29
"""FFmpeg's AV_CODEC_FLAG2_SKIP_MANUAL: hand out the samples that players leave out, too."""


def sample_at(audio: AudioStream, time: Fraction) -> int:
    """Return the number of the sample at `time`, counted from the first one that sounds.

    Halves are rounded up, so that neighbouring intervals neither overlap nor leave a gap. It is
    negative before the sound starts.
    """
    return timing.sample_at(time - audio.start, audio.sample_rate)


def read_sound(
    path: Path, audio: AudioStream, start: Fraction, end: Fraction
) -> NDArray[np.float32]:
    """Return the sound of [start, end), with silence where there is none.

    Args:
        path: The file.
        audio: One of its streams of sound.
        start: Seconds from the first frame's appearance; may be negative.
        end: The same; not before `start`.

    Returns:
        float32 ``[channels, samples]``, full scale at 1, exactly
        ``sample_at(end) - sample_at(start)`` samples.

    Raises:
        BadSource: `damaged`: the sound cannot be decoded.
    """
    first, last = sample_at(audio, start), sample_at(audio, end)
    out = np.zeros((audio.channels, last - first), np.float32)
    for at, samples in sound_runs(path, audio):
        if at >= last:
            break
        left, right = max(at, first), min(at + samples.shape[1], last)
        if left < right:
            out[:, left - first : right - first] = samples[:, left - at : right - at]
    return out


def sound_runs(path: Path, audio: AudioStream) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Yield decoded runs of samples, float32 ``[channels, n]``, and each one's first number.

    A packet that cannot be decoded is left out, as players do; there is silence in its place.

    Raises:
        BadSource: `damaged`: none of the sound can be decoded, or the file cannot be read.
    """
    with open_source(path) as container:
        stream: Any = container.streams[audio.index]
        raw_decoder(stream.codec_context, audio.codec)
        place: Placing | None = None
        try:
            for packet in container.demux(stream):
                if place is None and packet.pts is not None:
                    place = Placing(stream, packet, audio.sample_rate)
                for frame in _decoded(packet, place):
                    samples = to_float(frame)
                    if samples.shape[0] != audio.channels or place is None:
                        raise damaged("the number of channels changes within the sound")
                    yield place(frame.pts, samples.shape[1]), samples
        except av.error.FFmpegError as error:
            raise damaged("the sound cannot be read") from error
    if place is not None and place.only_lost:
        raise damaged("the sound cannot be decoded")


def _decoded(packet: Any, place: Placing | None) -> list[Any]:
    """Return a packet's frames; none where it cannot be decoded."""
    try:
        return list(packet.decode())
    except av.error.FFmpegError:
        if place is not None:
            place.lose()
        return []


def sample_depth(path: Path, audio: AudioStream) -> int:
    """Return the bits of a decoded sample that count: 16, or 24 for everything finer."""
    with open_source(path) as container:
        context: Any = container.streams[audio.index].codec_context
        return 16 if context.format.packed.name in {"u8", "s16"} else 24


def raw_decoder(coder: Any, codec: str) -> None:
    """Have a decoder that is not open yet hand out every sample, the same ones every time."""
    coder.flags2 |= _SKIP_MANUAL
    if codec in {"ac3", "eac3"}:
        # Decoders of AC-3 add noise; this way the same packet always gets the same.
        coder.options = {"cons_noisegen": "1"}


class Placing:
    """Puts runs of samples one behind the other, starting where the first one belongs.

    Args:
        stream: The open stream.
        first: Its first packet with a presentation time.
        rate: Samples a second.
    """

    def __init__(self, stream: Any, first: Any, rate: int) -> None:
        self._base = time_base(stream.time_base)
        self._origin = sound_start(stream, first.pts)
        self._rate = rate
        self._next: int | None = None
        self._length = 0
        self._lost = 0
        if first.has_sidedata("skip_samples"):
            # Exact where the container's clock is coarse: Matroska's counts milliseconds.
            skipped = -int.from_bytes(bytes(first.get_sidedata("skip_samples"))[:4], "little")
            if abs(self._at(first.pts) - skipped) < _GAP_S * rate:
                self._next = skipped

    def _at(self, pts: int) -> int:
        return timing.sample_at(pts * self._base - self._origin, self._rate)

    def __call__(self, pts: int | None, length: int) -> int:
        """Return the number of a run's first sample."""
        at = self._next or 0 if pts is None else self._at(pts)
        if self._next is not None and abs(at - self._next) < _GAP_S * self._rate:
            at = self._next
        self._next, self._length = at + length, length
        return at

    @property
    def only_lost(self) -> bool:
        """Whether nothing was placed, but something lost."""
        return self._lost > 0 and not self._length

    def lose(self) -> None:
        """Leave room for a run that was lost, as long as the one before."""
        self._lost += 1
        if self._next is not None:
            self._next += self._length


def to_float(frame: av.AudioFrame) -> NDArray[np.float32]:
    """Return a decoded frame as float32 ``[channels, samples]``, full scale at 1."""
    samples = native_samples(frame)
    if samples.dtype == np.uint8:
        return ((samples.astype(np.float32) - 128) / 128).astype(np.float32)
    if np.issubdtype(samples.dtype, np.integer):
        # float64 first: 32-bit samples have more digits than float32 holds.
        scale = -float(np.iinfo(samples.dtype).min)
        return (samples / scale).astype(np.float32)
    return samples.astype(np.float32)


def native_samples(frame: av.AudioFrame) -> NDArray[Any]:
    """Return a decoded frame's samples ``[channels, n]`` in their own type."""
    dtype = _DTYPES[frame.format.packed.name]
    channels, count = frame.layout.nb_channels, frame.samples
    # PyAV's own way counts one plane too many where there are eight, and reads what is not there.
    planes: list[Any] = list(frame.planes)[: channels if frame.format.is_planar else 1]
    if frame.format.is_planar:
        return np.stack([np.frombuffer(plane, dtype, count) for plane in planes])
    return np.frombuffer(planes[0], dtype, count * channels).reshape(count, channels).T
