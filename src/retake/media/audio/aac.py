"""AAC-LC: encoding it, and the little of its bitstream that splicing has to look at.

Format: ISO/IEC 14496-3, 1.6.2.1 (AudioSpecificConfig), 4.4.2.7 (ics_info).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from numpy.typing import NDArray

from retake.core.source import AudioStream
from retake.media.audio.frames import layout_name, packed_frames
from retake.media.audio.timeline import extradata
from retake.media.bitstream.nal import Bits
from retake.media.unspliceable import Unspliceable

FRAME = 1024
"""Samples that one packet of AAC-LC stands for."""

DELAY = 1024
"""Samples by which FFmpeg's encoder lags behind its input."""

ONLY_LONG, LONG_START, EIGHT_SHORT, LONG_STOP = range(4)
"""Window sequences of a packet."""

_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
_HE_TYPES = frozenset({5, 29})
_SINGLE, _PAIR = 0, 1
_ASC_BYTES = 2
"""Object type, rate, channels and frame length stand in the first two bytes."""

_MIN_RATE_PER_CHANNEL = 64_000
_MAX_BITS_PER_CHANNEL = 6144


def bit_rate(channels: int, rate: int, source: int | None) -> int:
    """Return bits a second for new sound: the source's, but never a poor quality."""
    wanted = max(source or 0, _MIN_RATE_PER_CHANNEL * channels)
    # A packet of one channel holds at most 6144 bits (ISO/IEC 14496-3, 4.5.3.1).
    return min(wanted, _MAX_BITS_PER_CHANNEL * channels * rate // FRAME)


def new_encoder(rate: int, layout: str, bits: int) -> AudioCodecContext:
    """Return an open AAC-LC encoder whose configuration record can be read."""
    coder: Any = av.CodecContext.create("aac", "w")
    coder.sample_rate, coder.layout, coder.format = rate, layout, "fltp"
    coder.bit_rate = bits
    # Perceptual noise is drawn from one generator for the whole stream: using it here would
    # change what a decoder makes of the packets that follow and are kept.
    coder.options = {"aac_pns": "0"}
    coder.flags |= 1 << 22  # AV_CODEC_FLAG_GLOBAL_HEADER
    coder.open()
    return coder


@dataclass(frozen=True, slots=True)
class AacCoder:
    """Makes packets for an AAC-LC track: see `lossy.PacketCoder`."""

    coder: AudioCodecContext
    frame: int = FRAME
    overlap: int = FRAME
    settle: int = 0

    def length(self, packet: bytes) -> int:  # noqa: ARG002
        """Return how many samples a packet of the track stands for."""
        return self.frame

    def encodings(self, samples: NDArray[np.float32]) -> Iterator[list[bytes]]:
        """Yield one packet for every 1024 samples, once."""
        # The encoder's packet 0 is its priming: packet k + 1 stands for the input's frame k.
        yield encode(self.coder, samples)[1:]

    def fits(self, before: bytes, after: bytes) -> bool:
        """Return whether the window of one packet ends as that of the other begins."""
        return ends_long(window_sequence(before)) and begins_long(window_sequence(after))


def aac_coder(path: Path, audio: AudioStream) -> AacCoder:
    """Return what encodes for the decoder that a track is set up for.

    Raises:
        Unspliceable: It is not AAC-LC, or its configuration cannot be made.
    """
    config = extradata(path, audio.index)
    if _extended(config, audio.sample_rate) or (audio.profile or "").startswith("HE"):
        raise Unspliceable("it is HE-AAC, whose upper half of the spectrum nothing here can encode")
    if audio.profile != "LC":
        raise Unspliceable(f"its profile is {audio.profile or 'not known'}; AAC-LC can be spliced")
    bits = bit_rate(audio.channels, audio.sample_rate, audio.bit_rate)
    try:
        coder = new_encoder(audio.sample_rate, layout_name(audio), bits)
    except ValueError as error:  # FFmpeg's own argument errors are ValueErrors, too
        raise Unspliceable("its rate or channels cannot be encoded") from error
    if not config or not _matches(coder.extradata or b"", config):
        raise Unspliceable("its configuration cannot be matched")
    return AacCoder(coder)


def _extended(config: bytes, rate: int) -> bool:
    """Return whether a configuration tells, or means without telling, spectral band replication."""
    if len(config) < _ASC_BYTES:
        return False
    kind, index = config[0] >> 3, (config[0] & 7) << 1 | config[1] >> 7
    core = _RATES[index] if index < len(_RATES) else rate
    return kind in _HE_TYPES or 2 * core == rate


def _matches(made: bytes, config: bytes) -> bool:
    if made[:_ASC_BYTES] != config[:_ASC_BYTES]:
        return False
    # Channel configuration 0 stands for a description of the channels that follows.
    return bool(config[1] & 0x78) or made == config


def encode(coder: Any, samples: NDArray[np.float32]) -> list[bytes]:
    """Return the packets for samples ``[channels, n]``; packet 0 is the encoder's priming."""
    packets: list[Any] = []
    for frame in packed_frames(samples, "flt", coder.sample_rate, coder.layout.name, FRAME):
        packets += coder.encode(frame)
    packets += coder.encode(None)
    return [bytes(packet) for packet in packets]


def window_sequence(packet: bytes) -> int | None:
    """Return the window sequence of a packet's first channel; None where it is not at its front.

    Its left half says how the packet before it has to end, its right half how the next one has to
    begin: EIGHT_SHORT and LONG_STOP begin short, LONG_START and EIGHT_SHORT end short.
    """
    if len(packet) < 4:
        return None
    bits = Bits(packet[:4])
    element = bits.fixed(3)
    bits.fixed(4)  # element_instance_tag
    if element == _SINGLE or (element == _PAIR and not bits.flag()):
        bits.fixed(8)  # global_gain
    elif element != _PAIR:
        return None
    bits.fixed(1)  # ics_reserved_bit
    return bits.fixed(2)


def ends_long(sequence: int | None) -> bool:
    """Return whether a packet's right half is one long window; unknown counts as yes."""
    return sequence not in {LONG_START, EIGHT_SHORT}


def begins_long(sequence: int | None) -> bool:
    """Return whether a packet's left half is one long window; unknown counts as yes."""
    return sequence not in {EIGHT_SHORT, LONG_STOP}
