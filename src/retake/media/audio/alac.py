"""ALAC: packets that the decoder of a track is set up for.

Format: Apple's "ALAC magic cookie description": FFmpeg's extradata is a box of 12 bytes in front
of frame length 4, version 1, depth 1, the coder's three parameters, channels 1, run 2, largest
packet 4, bit rate 4 and sample rate 4.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retake.core.source import AudioStream
from retake.media.audio.lossless import block_encoder, encode_blocks, new_blocks, packets_at
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
        coder = block_encoder("alac", _SAMPLE_FORMATS, audio, bits, frame)
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


def _length(packet: bytes, frame: int) -> int:
    """Return how many samples a packet holds; only those that are not full say so."""
    bits = Bits(packet[:8])
    bits.fixed(3 + 4 + 12)  # element, its instance, unused
    told = bits.flag()
    bits.fixed(3)  # bytes shifted off, not compressed
    return bits.fixed(32) if told else frame
