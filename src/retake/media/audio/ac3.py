"""AC-3 and E-AC-3: packets for a track's decoder.

Format: ETSI TS 102 366, 4.4.1 (syncinfo), 4.4.2 (bsi) and E.1.2 (E-AC-3's).
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
from retake.media.audio.timeline import packet_bytes
from retake.media.bitstream.nal import Bits
from retake.media.unspliceable import Unspliceable

FRAME = 1536
_DELAY = _OVERLAP = 256
_SYNC = 0x0B77
_RATES = (48000, 44100, 32000)
_KBITS = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640)
_CENTRE_LEVELS = (0.707, 0.595, 0.5)
_SURROUND_LEVELS = (0.707, 0.5, 0.0)
_BLOCKS = (1, 2, 3, 6)


@dataclass(frozen=True, slots=True)
class Header:
    """What a frame says about itself.

    Attributes:
        enhanced: Whether it is E-AC-3.
        rate: Samples a second.
        bits: Bits a second.
        mode: acmod, the channels in front and behind, and whether there is one for low effects.
        service: bsmod; 0 is the complete main programme.
        loudness: dialnorm, in dB below full scale; 0 is reserved.
        centre, surround, matrixed: cmixlev, surmixlev and dsurmod; None where they do not apply.
    """

    enhanced: bool
    rate: int
    bits: int
    mode: tuple[int, bool]
    service: int
    loudness: int
    centre: int | None = None
    surround: int | None = None
    matrixed: int | None = None

    @classmethod
    def parse(cls, packet: bytes) -> Header:
        """Read the front of a packet that is one frame of 1536 samples.

        Raises:
            Unspliceable: It is none, or of a kind that cannot be encoded.
        """
        bits = Bits(packet[:16])
        if bits.fixed(16) != _SYNC:
            raise Unspliceable("a packet is not one AC-3 frame")
        return _enhanced(bits, len(packet)) if packet[5] >> 3 > 10 else _plain(bits)


def _plain(bits: Bits) -> Header:
    bits.fixed(16)  # crc1
    rate, size, version = bits.fixed(2), bits.fixed(6), bits.fixed(5)
    if rate > 2 or size >= 2 * len(_KBITS) or version > 8:
        raise Unspliceable("its sample rate cannot be encoded")
    service, mode = bits.fixed(3), bits.fixed(3)
    centre = bits.fixed(2) if mode & 1 and mode != 1 else None
    surround = bits.fixed(2) if mode & 4 else None
    matrixed = bits.fixed(2) if mode == 2 else None
    low = bool(bits.fixed(1))
    kbits = 1000 * _KBITS[size >> 1]
    return Header(
        enhanced=False,
        rate=_RATES[rate],
        bits=kbits,
        mode=(mode, low),
        service=service,
        loudness=bits.fixed(5),
        centre=centre,
        surround=surround,
        matrixed=matrixed,
    )


def _enhanced(bits: Bits, size: int) -> Header:
    kind, part, words, rate = bits.fixed(2), bits.fixed(3), bits.fixed(11), bits.fixed(2)
    blocks, mode, low = bits.fixed(2), bits.fixed(3), bool(bits.fixed(1))
    if kind or part or 2 * (words + 1) != size:
        raise Unspliceable("its packets hold more than one stream")
    if rate > 2 or _BLOCKS[blocks] != 6:
        raise Unspliceable("its packets differ in length")
    bits.fixed(5)  # bsid
    speed = size * 8 * _RATES[rate] // FRAME
    return Header(
        enhanced=True,
        rate=_RATES[rate],
        bits=speed,
        mode=(mode, low),
        service=0,
        loudness=bits.fixed(5),
    )


@dataclass(frozen=True, slots=True)
class Ac3Coder:
    """Makes packets for an AC-3 or E-AC-3 track: see `lossy.PacketCoder`."""

    like: Header
    layout: str
    frame: int = FRAME
    overlap: int = _OVERLAP
    settle: int = 0

    def length(self, packet: bytes) -> int:
        """Return how many samples a packet of the track stands for."""
        Header.parse(packet)
        return self.frame

    def encodings(self, samples: NDArray[np.float32]) -> Iterator[list[bytes]]:
        """Yield one packet for every 1536 samples, once."""
        coder = new_encoder(self.like, self.layout)
        led = aligned(samples, FRAME, _DELAY)
        packets = [
            bytes(packet)
            for frame in packed_frames(led, "flt", self.like.rate, self.layout, FRAME)
            for packet in coder.encode(frame)
        ]
        made = Header.parse(packets[0])
        if (made.mode, made.rate, made.service) != (
            self.like.mode,
            self.like.rate,
            self.like.service,
        ):
            raise Unspliceable("its channels cannot be encoded")
        yield without_delay(packets, FRAME, _DELAY)

    def fits(self, before: bytes, after: bytes) -> bool:  # noqa: ARG002
        """Return that any packet may follow any other."""
        return True


def ac3_coder(path: Path, audio: AudioStream) -> Ac3Coder:
    """Return what encodes for the decoder that a track is set up for.

    Raises:
        Unspliceable: Its channels cannot be coded in the same way.
    """
    first = packet_bytes(path, audio.index, 0, 1)
    if not first:
        raise Unspliceable("it has no packets")
    coder = Ac3Coder(Header.parse(first[0]), layout_name(audio))
    try:
        new_encoder(coder.like, coder.layout)
    except ValueError as error:  # FFmpeg's own argument errors are ValueErrors, too
        raise Unspliceable("its channels cannot be encoded") from error
    return coder


def new_encoder(like: Header, layout: str) -> Any:
    """Return an open encoder of frames like one of the source's.

    Raises:
        ValueError: FFmpeg refuses the layout or the rate.
    """
    coder: Any = av.CodecContext.create("eac3" if like.enhanced else "ac3", "w")
    coder.sample_rate, coder.layout, coder.format = like.rate, layout, "fltp"
    coder.bit_rate = like.bits
    options = {"dialnorm": str(-(like.loudness or 31))}
    if like.centre is not None:
        options["center_mixlev"] = str(_CENTRE_LEVELS[min(like.centre, 2)])
    if like.surround is not None:
        options["surround_mixlev"] = str(_SURROUND_LEVELS[min(like.surround, 2)])
    if like.matrixed is not None:
        options["dsur_mode"] = str(min(like.matrixed, 2))
    coder.options = options
    coder.open()
    return coder
