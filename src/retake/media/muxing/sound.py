"""Encoding a whole track of sound into a new file, as any codec that can be asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from retake.core.errors import RenderFailed
from retake.core.watch import Watch
from retake.media.audio import aac
from retake.media.audio.frames import default_layout, packed_frames
from retake.media.audio.lossless import quantised
from retake.media.muxing.flows import Timed
from retake.media.opening import fraction

_BLOCK = 4096
_MOST_CHANNELS = 8
_STANDARD_RATES = (48000, 44100, 32000)
_LOW_RATES = (24000, 22050, 16000)
_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)


@dataclass(frozen=True, slots=True)
class _Coder:
    """An encoder of sound.

    Attributes:
        name: FFmpeg's name.
        form: The interleaved sample format that it is given.
        rates: Sample rates that it has; empty for all. The first one stands for all others.
        channels: Most of them.
        per_channel: Least bits a second for each channel; 0 where the codec has no bit rate.
        most: Most bits a second.
        steps: Whole steps of which the bit rate is a multiple.
        relabelled: Layouts that it has under another name, with the channels in the same order.
    """

    name: str
    form: str = "flt"
    rates: tuple[int, ...] = ()
    channels: int = 8
    per_channel: int = 0
    most: int = 0
    steps: int = 1
    relabelled: Mapping[str, str] = field(default_factory=dict[str, str])


_BEHIND = {"5.0(side)": "5.0", "5.1(side)": "5.1"}
_MPEG = (*_STANDARD_RATES, *_LOW_RATES)

_CODERS: Mapping[str, _Coder] = {
    "aac": _Coder("aac", "flt", (48000, *_AAC_RATES), 8, 64_000, 2_304_000, 1, _BEHIND),
    "opus": _Coder("libopus", "flt", (48000,), 8, 96_000, 2_048_000, 1, _BEHIND),
    "ac3": _Coder("ac3", "flt", _STANDARD_RATES, 6, 96_000, 640_000, 64_000),
    "eac3": _Coder("eac3", "flt", _STANDARD_RATES, 6, 96_000, 1_536_000, 64_000),
    "mp3": _Coder("libmp3lame", "flt", _MPEG, 2, 96_000, 320_000, 32_000),
    "mp2": _Coder("mp2", "s16", _MPEG, 2, 128_000, 384_000, 64_000),
    "flac": _Coder("flac", "s32"),
    "alac": _Coder("alac", "s32", relabelled={"7.1": "7.1(wide)"}),
    **{f"pcm_s16{end}": _Coder(f"pcm_s16{end}", "s16") for end in ("le", "be")},
    **{f"pcm_s24{end}": _Coder(f"pcm_s24{end}", "s32") for end in ("le", "be")},
    **{f"pcm_s32{end}": _Coder(f"pcm_s32{end}", "s32") for end in ("le", "be")},
    **{f"pcm_f32{end}": _Coder(f"pcm_f32{end}", "flt") for end in ("le", "be")},
    **{f"pcm_{name}": _Coder(f"pcm_{name}", "s16") for name in ("u8", "alaw", "mulaw")},
}
_DEEP = frozenset({"flac", "alac"})
"""Codecs that are of 16 or of 24 bits."""

_LOW_MOST = 160_000
"""Most bits a second that MPEG's layers II and III have at half the usual rates."""


def can_encode(codec: str, channels: int) -> bool:
    """Return whether sound of so many channels can be encoded as what FFmpeg calls so."""
    coder = _CODERS.get(codec)
    return coder is not None and channels <= coder.channels


def add_track(
    out: Any,
    codec: str,
    channels: int,
    rate: int,
    layout: str | None,
    bits: int | None,
    depth: int = 24,
) -> Any:
    """Return a new stream of an output container that encodes sound.

    Args:
        out: The container.
        codec: One that `can_encode` knows.
        channels: How many there are.
        rate: Samples a second; where the codec does not have it, its most common one is taken.
        layout: FFmpeg's name of the channels' places; None for the usual one.
        bits: The source's bits a second; the new sound gets no fewer than are good for it.
        depth: Bits of a sample that count, for lossless codecs that can be of 16 or 24.

    Raises:
        RenderFailed: `not_encoded`: there are too many channels.
    """
    if not 1 <= channels <= _MOST_CHANNELS:
        raise RenderFailed(
            "not_encoded",
            f"the sound has {channels} channels; up to {_MOST_CHANNELS} can be encoded",
        )
    coder = _CODERS[codec]
    coded = rate if rate in coder.rates or not coder.rates else coder.rates[0]
    # Nameless layouts are spelt "6 channels".
    named = layout if layout and "channels" not in layout else default_layout(channels)
    stream = out.add_stream(coder.name, rate=coded)
    context = stream.codec_context
    context.layout = coder.relabelled.get(named, named)
    form = "s16" if codec in _DEEP and depth <= 16 else coder.form
    has: list[Any] = list(context.codec.audio_formats or ())
    context.format = next((one.name for one in has if one.packed.name == form), has[0].name)
    if coder.per_channel:
        context.bit_rate = _bit_rate(codec, coder, channels, coded, bits)
    return stream


def _bit_rate(codec: str, coder: _Coder, channels: int, rate: int, source: int | None) -> int:
    wanted = max(source or 0, coder.per_channel * channels)
    if codec == "aac":
        return aac.bit_rate(channels, rate, wanted)
    most = _LOW_MOST if rate in _LOW_RATES and codec in {"mp3", "mp2"} else coder.most
    return min(-(-wanted // coder.steps) * coder.steps, most)


def encoded(
    stream: Any,
    samples: NDArray[np.float32],
    rate: int,
    begins: Fraction,
    watch: Watch,
    *,
    from_zero: bool = False,
) -> Iterator[Timed]:
    """Yield the packets of sound, with the moments at which they are decoded.

    Args:
        stream: The new stream.
        samples: ``[channels, n]``.
        rate: Samples of it a second.
        begins: When the first one sounds, in seconds of the new file's clock; what would sound
            before 0 is left out.
        watch: Asked for a wish to cancel.
        from_zero: Whether the container has no times before 0 and nothing to say that samples at
            the front are to be left out. What an encoder puts before the first sample then takes
            the place of as many samples, so that the others sound when they should.
    """
    context = stream.codec_context
    skipped = max(-round(begins * rate), 0)
    if from_zero:
        lag = Fraction(_lag(context), context.sample_rate)
        skipped = max(round((lag - begins) * rate), skipped)
    # The resampler keeps no times of before: they are put on again, counted in coded samples.
    first = round((begins + Fraction(skipped, rate)) * context.sample_rate)
    form, exact = _exact(context, samples[:, skipped:])
    for frame in packed_frames(exact, form, rate, context.layout.name, _BLOCK):
        watch.check()
        frame.time_base = Fraction(1, rate)
        yield from _timed(stream.encode(frame), stream, first)
    yield from _timed(stream.encode(None), stream, first)


def _lag(context: Any) -> int:
    """Return how many samples an encoder puts before the first one, by encoding silence."""
    trial: Any = av.CodecContext.create(context.codec.name, "w")
    trial.sample_rate, trial.layout, trial.format = (
        context.sample_rate,
        context.layout,
        context.format,
    )
    if context.bit_rate:
        trial.bit_rate = context.bit_rate
    silence = np.zeros((len(context.layout.channels), 4 * _BLOCK), np.float32)
    form, exact = _exact(context, silence)
    frames = packed_frames(exact, form, context.sample_rate, context.layout.name, _BLOCK)
    packets = [packet for frame in frames for packet in trial.encode(frame)]
    return max(-packets[0].pts, 0) if packets else 0


def _exact(context: Any, samples: NDArray[np.float32]) -> tuple[str, NDArray[Any]]:
    """Return samples as the encoder stores them, where it stores integers, and their format."""
    form = context.format.packed.name
    if form == "u8":
        # It holds the upper half of these.
        form = "s16"
    if form == "s16":
        return form, quantised(samples, 16, np.int16)
    if form == "s32":
        return form, quantised(samples, 32 if "s32" in context.name else 24, np.int32)
    return "flt", samples


def _timed(packets: Any, stream: Any, first: int) -> Iterator[Timed]:
    second = stream.codec_context.sample_rate
    for packet in packets:
        base = fraction(packet.time_base) or Fraction(1, second)
        shift = round(Fraction(first, second) / base)
        packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
        yield packet.dts * base, packet
