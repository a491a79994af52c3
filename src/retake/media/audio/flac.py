"""FLAC: frames that fit between a track's own, and the stream's description that fits both.

Format: RFC 9639, sections 8.2 (STREAMINFO) and 9 (frames).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retake.core.source import AudioStream
from retake.media.audio.lossless import block_encoder, encode_blocks, new_blocks, packets_at
from retake.media.audio.spliced import SplicedSound
from retake.media.audio.timeline import extradata, packet_bytes, read_timeline
from retake.media.unspliceable import Unspliceable

_MARK = b"fLaC"
_INFO_BYTES = 34
_SIZES = {1: 192, 2: 576, 3: 1152, 4: 2304, 5: 4608} | {n: 1 << n for n in range(8, 16)}
_SAMPLE_FORMATS = {16: "s16", 24: "s32"}
_LEAST_BLOCK = 16


def splice_flac(
    path: Path, audio: AudioStream, start: Fraction, samples: NDArray[np.float32]
) -> SplicedSound:
    """Return the track with new sound in it; arguments as of `splice.splice_sound`.

    Raises:
        Unspliceable: Its depth or layout cannot be encoded, or it does not reach over the section.
    """
    config = extradata(path, audio.index)
    info = _StreamInfo.of(config)
    line = read_timeline(path, audio, lambda packet: Frame.parse(packet).length)
    place = line.place(audio, start, samples)
    blocks = new_blocks(path, audio, line, place, info.bits)
    hit = packets_at(line, place)

    def opened(length: int) -> Any:
        return block_encoder("flac", _SAMPLE_FORMATS, audio, info.bits, max(length, _LEAST_BLOCK))

    made = encode_blocks(opened, blocks)
    old = packet_bytes(path, audio.index, hit.start, hit.stop)
    data = [renumbered(packet, Frame.parse(old[n])) for n, packet in zip(hit, made, strict=True)]
    return SplicedSound(
        line.packets,
        hit.start,
        tuple(data),
        place.samples.shape[1],
        config=info.with_frames(config, [len(packet) for packet in data]),
        exact=True,
    )


def merged_config(one: bytes, other: bytes) -> bytes:
    """Return a description that fits the frames of two, made from the same one."""
    info = _StreamInfo.of(other)
    sizes = [int.from_bytes(info.data[n : n + 3], "big") for n in (4, 7)]
    return _StreamInfo.of(one).with_frames(one, [size for size in sizes if size])


@dataclass(frozen=True, slots=True)
class Frame:
    """What a frame's header says.

    Attributes:
        variable: Whether `number` counts samples; otherwise it counts frames.
        number: Of the frame, or of its first sample.
        number_end: Offset of the byte behind the coded number.
        length: Samples of each channel.
        header_end: Offset of the header's CRC-8.
    """

    variable: bool
    number: int
    number_end: int
    length: int
    header_end: int

    @classmethod
    def parse(cls, data: bytes) -> Frame:
        """Read a frame's header.

        Raises:
            Unspliceable: It is none.
        """
        if len(data) < 8 or data[0] != 0xFF or data[1] & 0xFE != 0xF8:
            raise Unspliceable("a packet is not one FLAC frame")
        number, at = _coded_number(data)
        number_end = at
        code, rate = data[2] >> 4, data[2] & 15
        length = _SIZES.get(code, 0)
        if code in {6, 7}:
            size = code - 5
            length = int.from_bytes(data[at : at + size], "big") + 1
            at += size
        at += {12: 1, 13: 2, 14: 2}.get(rate, 0)
        if not length or at + 3 > len(data):
            raise Unspliceable("a FLAC frame is damaged")
        return cls(bool(data[1] & 1), number, number_end, length, at)


def renumbered(packet: bytes, like: Frame) -> bytes:
    """Return a frame with another one's number, its check sums brought up to date."""
    own = Frame.parse(packet)
    head = bytes([packet[0], packet[1] & 0xFE | like.variable, *packet[2:4]])
    head += _code_number(like.number) + packet[own.number_end : own.header_end]
    body = head + bytes([_crc8(head)]) + packet[own.header_end + 1 : -2]
    return body + _crc16(body).to_bytes(2, "big")


def _coded_number(data: bytes) -> tuple[int, int]:
    """Return the number at offset 4, coded like UTF-8 of up to 36 bits, and where it ends."""
    lead = data[4]
    if lead < 0x80:
        return lead, 5
    more = 8 - (lead ^ 0xFF).bit_length() - 1
    if not 1 <= more <= 6 or len(data) < 5 + more:
        raise Unspliceable("a FLAC frame is damaged")
    number = lead & (0x3F >> more)
    for byte in data[5 : 5 + more]:
        number = number << 6 | byte & 0x3F
    return number, 5 + more


def _code_number(number: int) -> bytes:
    if number < 0x80:
        return bytes([number])
    # One byte of continuation more holds five bits more in all.
    more = next(n for n in range(1, 7) if number < 1 << (5 * n + 6) or n == 6)
    lead = (0xFF00 >> (more + 1) & 0xFF) | number >> (6 * more)
    return bytes([lead, *(0x80 | number >> (6 * n) & 0x3F for n in reversed(range(more)))])


@dataclass(frozen=True, slots=True)
class _StreamInfo:
    """STREAMINFO, as far as it matters, and where it lies in FFmpeg's extradata."""

    at: int
    data: bytes
    bits: int

    @classmethod
    def of(cls, config: bytes) -> _StreamInfo:
        at = 8 if config.startswith(_MARK) else 0
        data = config[at : at + _INFO_BYTES]
        if len(data) != _INFO_BYTES:
            raise Unspliceable("its description is incomplete")
        return cls(at, data, (int.from_bytes(data[12:14], "big") >> 4 & 31) + 1)

    def with_frames(self, config: bytes, sizes: Sequence[int]) -> bytes:
        """Return the extradata for a stream with frames of these sizes in it as well."""
        least, most = (int.from_bytes(self.data[n : n + 3], "big") for n in (4, 7))
        # Zero stands for "not known", for the sizes as for the digest of all samples.
        least = min(least, *sizes) if least else 0
        most = max(most, *sizes) if most else 0
        told = least.to_bytes(3, "big") + most.to_bytes(3, "big")
        info = self.data[:4] + told + self.data[10:18] + bytes(16)
        return config[: self.at] + info + config[self.at + _INFO_BYTES :]


def _table(polynomial: int, bits: int) -> list[int]:
    top, mask = 1 << (bits - 1), (1 << bits) - 1
    table: list[int] = []
    for byte in range(256):
        value = byte << (bits - 8)
        for _ in range(8):
            value = (value << 1 ^ (polynomial if value & top else 0)) & mask
        table.append(value)
    return table


_CRC8, _CRC16 = _table(0x07, 8), _table(0x8005, 16)


def _crc8(data: bytes) -> int:
    value = 0
    for byte in data:
        value = _CRC8[value ^ byte]
    return value


def _crc16(data: bytes) -> int:
    value = 0
    for byte in data:
        value = (value << 8 & 0xFFFF) ^ _CRC16[value >> 8 ^ byte]
    return value
