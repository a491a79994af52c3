"""Opus: packets for a track's decoder, and how much sound a packet holds.

Formats: RFC 6716, 3.1 (the TOC byte) and 3.2.5; RFC 7845, 5.1 (the identification header, which is
FFmpeg's extradata).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from retake.core.source import AudioStream
from retake.media.audio.frames import layout_name, packed_frames
from retake.media.audio.lossy import aligned, without_delay
from retake.media.audio.timeline import extradata, packet_bytes
from retake.media.unspliceable import Unspliceable

RATE = 48_000
"""Samples a second that Opus counts in, whatever was recorded."""

_HEAD = b"OpusHead"
_GAIN = slice(16, 18)
_MAPPING = slice(18, None)
_PRE_SKIP = slice(10, 12)
_OVERLAP = 120
_SETTLING = 960
_SILK = (480, 960, 1920, 2880)
_HYBRID = (480, 960)
_CELT = (120, 240, 480, 960)
_WAYS = (
    (0, "on", 1.5, 0),
    (8, "off", 1.5, 0),
    (0, "on", 2.0, 30),
    (8, "off", 2.0, 30),
    (0, "off", 2.5, 0),
    (8, "on", 1.0, 0),
)
"""Packets of its warm-up that an encoder is not given, whether its bit rate varies, a factor on
that, and packets in a hundred that it is to think are lost, which keeps it from foretelling. None
is better than another everywhere: each makes it choose differently."""

_RATE_PER_CHANNEL = 96_000
_MAX_RATE_PER_CHANNEL = 256_000


@dataclass(frozen=True, slots=True)
class OpusCoder:
    """Makes packets for an Opus track: see `lossy.PacketCoder`.

    Attributes:
        layout: FFmpeg's name of the channels' layout.
        channels: How many there are.
        bits: Bits a second.
        gain: What the decoder multiplies every sample with.
        frame: Samples a packet.
    """

    layout: str
    channels: int
    bits: int
    gain: float
    frame: int
    overlap: int = _OVERLAP

    @property
    def settle(self) -> int:
        """20 ms behind the section: the decoder foretells a packet's energies from the last's."""
        return max(_SETTLING // self.frame, 1)

    def length(self, packet: bytes) -> int:
        """Return how many samples a packet of the track stands for."""
        return samples_in(packet)

    def encodings(self, samples: NDArray[np.float32]) -> Iterator[list[bytes]]:
        """Yield one packet for every `frame` samples, by several settings."""
        scaled = samples / np.float32(self.gain)
        for cold, mode, factor, lost in _WAYS:
            bits = bit_rate(self.channels, round(self.bits * factor))
            coder = new_encoder(self.layout, bits, self.frame, mode, lost)
            # Short packets have FFmpeg choose a mode of less delay.
            delay = _delay(coder)
            heard = aligned(scaled[:, cold * self.frame :], self.frame, delay)
            packets = [
                bytes(packet)
                for frame in packed_frames(heard, "flt", RATE, self.layout, self.frame)
                for packet in coder.encode(frame)
            ]
            yield [b""] * cold + without_delay(packets, self.frame, delay)

    def fits(self, before: bytes, after: bytes) -> bool:  # noqa: ARG002
        """Return that any packet may follow any other."""
        return True


def opus_coder(path: Path, audio: AudioStream) -> OpusCoder:
    """Return what encodes for the decoder that a track is set up for.

    Raises:
        Unspliceable: Its channels cannot be coded in the same way.
    """
    head = extradata(path, audio.index)
    first = packet_bytes(path, audio.index, 0, 1)
    if not head.startswith(_HEAD) or not first:
        raise Unspliceable("its description is incomplete")
    frame = samples_in(first[0])
    bits = bit_rate(audio.channels, audio.bit_rate)
    layout = layout_name(audio)
    try:
        coder = new_encoder(layout, bits, frame)
    except ValueError as error:  # FFmpeg's own argument errors are ValueErrors, too
        raise Unspliceable("its channels or packets cannot be encoded") from error
    if (coder.extradata or b"")[_MAPPING] != head[_MAPPING] or coder.extradata[9] != head[9]:
        raise Unspliceable("its configuration cannot be matched")
    gain = int.from_bytes(head[_GAIN], "little", signed=True)
    return OpusCoder(layout, audio.channels, bits, 10 ** (gain / 256 / 20), frame)


def new_encoder(layout: str, bits: int, frame: int, mode: str = "on", lost: int = 0) -> Any:
    """Return an open encoder for packets of `frame` samples.

    Args:
        layout: FFmpeg's name of the channels' layout.
        bits: Bits a second.
        frame: Samples a packet.
        mode: FFmpeg's word for whether the bit rate varies: ``on``, ``off`` or ``constrained``.
        lost: Packets in a hundred that may get lost.

    Raises:
        ValueError: FFmpeg refuses the layout or the length.
    """
    coder: Any = av.CodecContext.create("libopus", "w")
    coder.sample_rate, coder.layout, coder.format = RATE, layout, "flt"
    coder.bit_rate = bits
    coder.options = {
        "frame_duration": f"{frame * 1000 / RATE:g}",
        "vbr": mode,
        "packet_loss": str(lost),
    }
    coder.flags |= 1 << 22  # AV_CODEC_FLAG_GLOBAL_HEADER
    coder.open()
    return coder


def _delay(coder: Any) -> int:
    """Return the samples by which an encoder lags behind its input: those that players skip."""
    return int.from_bytes(coder.extradata[_PRE_SKIP], "little")


def bit_rate(channels: int, source: int | None) -> int:
    """Return bits a second for new sound: the source's, but never a poor quality."""
    wanted = max(source or 0, _RATE_PER_CHANNEL * channels)
    return min(wanted, _MAX_RATE_PER_CHANNEL * channels)


def samples_in(packet: bytes) -> int:
    """Return how many samples at 48 kHz a packet stands for.

    Raises:
        Unspliceable: It is no Opus packet.
    """
    if not packet:
        raise Unspliceable("an Opus packet is empty")
    config, code = packet[0] >> 3, packet[0] & 3
    if config < 12:
        length = _SILK[config & 3]
    elif config < 16:
        length = _HYBRID[config & 1]
    else:
        length = _CELT[config & 3]
    if code < 3:
        return length * (1 if code == 0 else 2)
    if len(packet) < 2:
        raise Unspliceable("an Opus packet is damaged")
    return length * (packet[1] & 63)
