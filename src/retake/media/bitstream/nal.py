"""NAL units and the decoder configuration of H.264 and HEVC in MP4: split, joined, merged.

Formats: ITU-T H.264 and H.265 (annex B, NAL header), ISO/IEC 14496-15 (avcC).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from retake.media.unspliceable import Unspliceable

H264_SLICES = frozenset({1, 5})
HEVC_SLICES = range(32)
H264_IDR = 5
H264_SEI, H264_SPS, H264_PPS, H264_AUD = 6, 7, 8, 9

_START_LIKE = re.compile(rb"\x00\x00(?=[\x00-\x03])")
_START_CODE = re.compile(rb"\x00\x00\x01")


def split_annexb(data: bytes) -> Iterator[bytes]:
    """Yield the NAL units between the start codes of a byte stream."""
    starts = [match.start() for match in _START_CODE.finditer(data)]
    for start, end in zip(starts, [*starts[1:], len(data)], strict=True):
        # Zeros before a start code belong to it; a NAL unit never ends in one.
        nal = data[start + 3 : end].rstrip(b"\0")
        if nal:
            yield nal


def split_sized(data: bytes, length_size: int) -> Iterator[bytes]:
    """Yield the NAL units of an MP4 sample, each preceded by its length.

    Raises:
        Unspliceable: A length points past the sample's end.
    """
    at = 0
    while at + length_size <= len(data):
        size = int.from_bytes(data[at : at + length_size], "big")
        at += length_size
        if at + size > len(data):
            raise Unspliceable("a packet is damaged")
        if size:
            yield data[at : at + size]
        at += size


def join_sized(nals: Iterable[bytes], length_size: int) -> bytes:
    """Return an MP4 sample made of NAL units."""
    return b"".join(len(nal).to_bytes(length_size, "big") + nal for nal in nals)


def only_slices(codec: str, length_size: int) -> Callable[[bytes], bytes]:
    """Return what turns an encoder's packet into an MP4 sample: its slices, each behind its length.

    Packets of codecs without NAL units stay as they are.
    """

    def is_slice(nal: bytes) -> bool:
        return nal[0] & 31 in H264_SLICES if codec == "h264" else nal[0] >> 1 & 63 in HEVC_SLICES

    def wrap(packet: bytes) -> bytes:
        return join_sized(filter(is_slice, split_annexb(packet)), length_size)

    return wrap if codec in {"h264", "hevc"} else bytes


def unescape(nal: bytes) -> bytes:
    """Return a NAL unit without the bytes that keep start codes out of it."""
    return nal.replace(b"\0\0\3", b"\0\0")


def escape(nal: bytes) -> bytes:
    """Return a NAL unit with the bytes that keep start codes out of it."""
    return _START_LIKE.sub(b"\0\0\3", nal)


class Bits:
    """Reads numbers off a run of bits.

    Raises from its methods:
        Unspliceable: The bits end early.
    """

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    @property
    def left(self) -> int:
        """How many bits have not been read."""
        return self._left

    def fixed(self, count: int) -> int:
        """Return an unsigned number of `count` bits: u(n)."""
        self._left -= count
        if self._left < 0:
            raise Unspliceable("a header is damaged")
        return self._value >> self._left & ((1 << count) - 1)

    def flag(self) -> bool:
        """Return one bit: u(1)."""
        return bool(self.fixed(1))

    def unsigned(self) -> int:
        """Return an Exp-Golomb number: ue(v)."""
        zeros = 0
        while not self.fixed(1):
            zeros += 1
        return (1 << zeros) - 1 + self.fixed(zeros)

    def signed(self) -> int:
        """Return a signed Exp-Golomb number: se(v)."""
        code = self.unsigned()
        return (code + 1) // 2 if code & 1 else -(code // 2)


@dataclass(frozen=True, slots=True)
class AvcConfig:
    """An avcC record: what a decoder of H.264 in MP4 is told first."""

    header: bytes
    length_size: int
    sps: tuple[bytes, ...]
    pps: tuple[bytes, ...]
    tail: bytes

    @staticmethod
    def parse(data: bytes) -> AvcConfig:
        """Read an avcC record.

        Raises:
            Unspliceable: It is none, or cut short.
        """
        if len(data) < 7 or data[0] != 1:
            raise Unspliceable("its decoder configuration is not an avcC record")
        sps, at = _sets(data, 6, data[5] & 31)
        pps, at = _sets(data, at + 1, data[at] if at < len(data) else 0)
        if not sps or not pps:
            raise Unspliceable("its parameter sets are not in the container")
        return AvcConfig(data[1:4], (data[4] & 3) + 1, sps, pps, data[at:])

    def merged(self, sps: Iterable[bytes], pps: Iterable[bytes]) -> AvcConfig:
        """Return this record with more parameter sets behind its own.

        Raises:
            Unspliceable: The record cannot count that many.
        """
        more = replace(self, sps=(*self.sps, *sps), pps=(*self.pps, *pps))
        if len(more.sps) > 31 or len(more.pps) > 255:
            raise Unspliceable("it has too many parameter sets already")
        return more

    def build(self) -> bytes:
        """Return the record's bytes."""
        head = bytes([1]) + self.header + bytes([0xFC | (self.length_size - 1)])
        sps = b"".join(len(nal).to_bytes(2, "big") + nal for nal in self.sps)
        pps = b"".join(len(nal).to_bytes(2, "big") + nal for nal in self.pps)
        return head + bytes([0xE0 | len(self.sps)]) + sps + bytes([len(self.pps)]) + pps + self.tail


def _sets(data: bytes, at: int, count: int) -> tuple[tuple[bytes, ...], int]:
    found: list[bytes] = []
    for _ in range(count):
        size = int.from_bytes(data[at : at + 2], "big")
        nal = data[at + 2 : at + 2 + size]
        if not size or len(nal) != size:
            raise Unspliceable("its decoder configuration is damaged")
        found.append(nal)
        at += 2 + size
    return tuple(found), at
