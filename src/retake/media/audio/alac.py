"""ALAC: packets that the decoder of a track is set up for.

Format: Apple's "ALAC magic cookie description": FFmpeg's extradata is a box of 12 bytes in front
of frame length 4, version 1, depth 1, the coder's three parameters, channels 1, run 2, largest
packet 4, bit rate 4 and sample rate 4.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from retake.core.source import AudioStream
from retake.media.audio.frames import layout_name
from retake.media.audio.lossless import encode_blocks, new_blocks, packets_at
from retake.media.audio.spliced import SplicedSound
from retake.media.audio.timeline import extradata, read_timeline
from retake.media.bitstream.nal import Bits
from retake.media.unspliceable import Unspliceable

_COOKIE_BYTES = 36
_SAMPLE_FORMATS = {16: "s16p", 24: "s32p"}
_LARGEST = slice(24, 28)


def splice_alac(
    path: Path, audio: AudioStream, start: Fraction, samples: NDArray[np.float32]
) -> SplicedSound:
    """Return the track with new sound in it; arguments as of `splice.splice_sound`.

    Raises:
        Unspliceable: Its decoder's parameters cannot be met, or it does not reach over the section.
    """
    cookie = extradata(path, audio.index)
    if len(cookie) < _COOKIE_BYTES:
        raise Unspliceable("its description is incomplete")
    frame, bits = int.from_bytes(cookie[12:16], "big"), cookie[17]

    def opened(_: int) -> Any:
        coder = new_encoder(audio.sample_rate, layout_name(audio), bits, frame)
        # Frame length, depth, parameters of the entropy coder, channels.
        if (coder.extradata or b"")[12:22] != cookie[12:22]:
            raise Unspliceable("its configuration cannot be matched")
        return coder

    line = read_timeline(path, audio, lambda packet: _length(packet, frame))
    place = line.place(audio, start, samples)
    made = encode_blocks(opened, new_blocks(path, audio, line, place, bits))
    largest = int.from_bytes(cookie[_LARGEST], "big")
    config = None
    if largest and largest < max(map(len, made)):
        config = cookie[:24] + max(map(len, made)).to_bytes(4, "big") + cookie[28:]
    return SplicedSound(
        line.packets,
        packets_at(line, place).start,
        tuple(made),
        place.samples.shape[1],
        config=config,
        exact=True,
    )


def merged_config(one: bytes, other: bytes) -> bytes:
    """Return a cookie that fits the packets of two, made from the same one."""
    return max(one, other, key=lambda cookie: cookie[_LARGEST])


def new_encoder(rate: int, layout: str, bits: int, block: int) -> Any:
    """Return an open encoder for blocks of one length, all but the last one.

    Raises:
        Unspliceable: The depth is none that can be encoded.
        ValueError: FFmpeg refuses the rate or layout.
    """
    if bits not in _SAMPLE_FORMATS:
        raise Unspliceable(f"ALAC of {bits} bits cannot be encoded")
    coder: Any = av.CodecContext.create("alac", "w")
    coder.sample_rate, coder.layout, coder.format = rate, layout, _SAMPLE_FORMATS[bits]
    coder.options = {"frame_size": str(block), "bits_per_raw_sample": str(bits)}
    coder.flags |= 1 << 22  # AV_CODEC_FLAG_GLOBAL_HEADER
    coder.open()
    return coder


def _length(packet: bytes, frame: int) -> int:
    """Return how many samples a packet holds; only those that are not full say so."""
    bits = Bits(packet[:8])
    bits.fixed(3 + 4 + 12)  # element, its instance, unused
    told = bits.flag()
    bits.fixed(3)  # bytes shifted off, not compressed
    return bits.fixed(32) if told else frame
