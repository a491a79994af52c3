"""Encoding a whole track of sound into a new file, as any codec that can be asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from retake.core.watch import Watch
from retake.media.muxing.flows import Timed
from retake.media.opening import fraction

_BLOCK = 4096
_STANDARD_RATES = (48000, 44100, 32000)
_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)


@dataclass(frozen=True, slots=True)
class _Coder:
    """An encoder of sound.

    Attributes:
        name: FFmpeg's name.
        form: The sample format that it is given.
        rates: Sample rates that it has; empty for all. The first one stands for all others.
        channels: Most of them.
        per_channel: Least bits a second for each channel; 0 where the codec has no bit rate.
        most: Most bits a second.
        steps: Whole steps of which the bit rate is a multiple.
    """

    name: str
    form: str
    rates: tuple[int, ...] = ()
    channels: int = 8
    per_channel: int = 0
    most: int = 0
    steps: int = 1


_CODERS: Mapping[str, _Coder] = {
    "aac": _Coder("aac", "fltp", (48000, *_AAC_RATES), 8, 64_000, 2_304_000),
    "opus": _Coder("libopus", "flt", (48000, 24000, 16000, 12000, 8000), 8, 64_000, 512_000),
    "ac3": _Coder("ac3", "fltp", _STANDARD_RATES, 6, 96_000, 640_000, 64_000),
    "eac3": _Coder("eac3", "fltp", _STANDARD_RATES, 6, 96_000, 1_536_000, 64_000),
    "mp3": _Coder(
        "libmp3lame", "fltp", (*_STANDARD_RATES, 24000, 22050, 16000), 2, 96_000, 320_000
    ),
    "mp2": _Coder(
        "mp2", "s16", (*_STANDARD_RATES, 24000, 22050, 16000), 2, 128_000, 384_000, 64_000
    ),
    "flac": _Coder("flac", "s32"),
    "alac": _Coder("alac", "s32p"),
    "pcm_s16le": _Coder("pcm_s16le", "s16"),
    "pcm_s16be": _Coder("pcm_s16be", "s16"),
    "pcm_s24le": _Coder("pcm_s24le", "s32"),
    "pcm_s24be": _Coder("pcm_s24be", "s32"),
    "pcm_s32le": _Coder("pcm_s32le", "s32"),
    "pcm_f32le": _Coder("pcm_f32le", "flt"),
}

_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}


def can_encode(codec: str, channels: int) -> bool:
    """Return whether sound of so many channels can be encoded as what FFmpeg calls so."""
    coder = _CODERS.get(codec)
    return coder is not None and channels <= coder.channels


def add_track(
    out: Any, codec: str, channels: int, rate: int, layout: str | None, bits: int | None
) -> Any:
    """Return a new stream of an output container that encodes sound.

    Args:
        out: The container.
        codec: One that `can_encode` knows.
        channels: How many there are.
        rate: Samples a second; where the codec does not have it, its most common one is taken.
        layout: FFmpeg's name of the channels' places; None for the usual one.
        bits: The source's bits a second; the new sound gets no fewer than are good for it.
    """
    coder = _CODERS[codec]
    coded = rate if rate in coder.rates or not coder.rates else coder.rates[0]
    stream = out.add_stream(coder.name, rate=coded)
    context = stream.codec_context
    context.layout = layout or _LAYOUTS.get(channels, "stereo")
    context.format = coder.form
    if coder.per_channel:
        wanted = max(bits or 0, coder.per_channel * channels)
        context.bit_rate = min(-(-wanted // coder.steps) * coder.steps, coder.most)
    return stream


def encoded(
    stream: Any, samples: NDArray[np.float32], rate: int, begins: Fraction, watch: Watch
) -> Iterator[Timed]:
    """Yield the packets of sound, with the moments at which they are decoded.

    Args:
        stream: The new stream.
        samples: ``[channels, n]``.
        rate: Samples of it a second.
        begins: When the first one sounds, in seconds of the new file's clock; what would sound
            before 0 is left out.
        watch: Asked for a wish to cancel.
    """
    layout = stream.codec_context.layout.name
    skipped = max(-round(begins * rate), 0)
    # The resampler keeps no times of before: they are put on again, counted in coded samples.
    first = round((begins + Fraction(skipped, rate)) * stream.codec_context.sample_rate)
    for start in range(skipped, samples.shape[1], _BLOCK):
        watch.check()
        block = np.ascontiguousarray(samples[:, start : start + _BLOCK], np.float32)
        frame = av.AudioFrame.from_ndarray(block, "fltp", layout)
        frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
        frame.pts = start - skipped
        yield from _timed(stream.encode(frame), stream, first)
    yield from _timed(stream.encode(None), stream, first)


def _timed(packets: Any, stream: Any, first: int) -> Iterator[Timed]:
    second = stream.codec_context.sample_rate
    for packet in packets:
        base = fraction(packet.time_base) or Fraction(1, second)
        shift = round(Fraction(first, second) / base)
        packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
        yield packet.dts * base, packet
