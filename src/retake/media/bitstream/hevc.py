"""HEVC in containers: its NAL units' types, and the decoder configuration, hvcC.

Formats: ITU-T H.265 (08/2021), 7.3.1.2, table 7-1 (NAL header); ISO/IEC 14496-15, 8.3.3.1 (hvcC).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from retake.media.unspliceable import Unspliceable

RASL = frozenset({8, 9})
LEADING = range(6, 10)
IRAP = range(16, 24)
BLA, IDR_W_RADL, IDR_N_LP, CRA = 16, 19, 20, 21
SLICES = range(32)
VPS, SPS, PPS, AUD = 32, 33, 34, 35
SETS = (VPS, SPS, PPS)
PREFIX_SEI, SUFFIX_SEI = 39, 40
DOLBY_VISION = frozenset({62, 63})
"""What Dolby Vision puts its metadata and its second layer into: types that H.265 leaves open."""

_HEAD = 22


def nal_type(nal: bytes) -> int:
    """Return a NAL unit's type."""
    return nal[0] >> 1 & 63


def layer_of(nal: bytes) -> int:
    """Return the layer that a NAL unit belongs to: 0, or others in 3-D and scalable video."""
    return (nal[0] & 1) << 5 | nal[1] >> 3


def with_type(nal: bytes, kind: int) -> bytes:
    """Return a NAL unit with another type."""
    return bytes([nal[0] & 0x81 | kind << 1]) + nal[1:]


@dataclass(frozen=True, slots=True)
class HvcConfig:
    """An hvcC record: what a decoder of HEVC in MP4 or Matroska is told first.

    Attributes:
        head: What comes before the arrays, without their number.
        arrays: First byte of each array, and its NAL units: parameter sets and SEI.
    """

    head: bytes
    arrays: tuple[tuple[int, tuple[bytes, ...]], ...]

    @staticmethod
    def parse(data: bytes) -> HvcConfig:
        """Read an hvcC record.

        Raises:
            Unspliceable: It is none, or cut short.
        """
        if len(data) <= _HEAD or data[0] != 1:
            raise Unspliceable("its decoder configuration is not an hvcC record")
        at = _HEAD + 1
        arrays: list[tuple[int, tuple[bytes, ...]]] = []
        for _ in range(data[_HEAD]):
            if at + 3 > len(data):
                raise Unspliceable("its decoder configuration is damaged")
            first, count = data[at], int.from_bytes(data[at + 1 : at + 3], "big")
            nals, at = _nals(data, at + 3, count)
            if any(nal_type(nal) != first & 63 for nal in nals):
                raise Unspliceable("its decoder configuration is damaged")
            arrays.append((first, nals))
        return HvcConfig(data[:_HEAD], tuple(arrays))

    @property
    def length_size(self) -> int:
        """Bytes of the length before every NAL unit."""
        return (self.head[21] & 3) + 1

    def nals(self, *kinds: int) -> list[bytes]:
        """Return the NAL units of some types, in the order of the types."""
        return [
            nal
            for kind in kinds
            for first, nals in self.arrays
            if first & 63 == kind
            for nal in nals
        ]

    def merged(self, new: Iterable[bytes]) -> HvcConfig:
        """Return this record with more parameter sets behind its own.

        Raises:
            Unspliceable: The record cannot hold them.
        """
        arrays = list(self.arrays)
        for nal in new:
            if len(nal) > 0xFFFF:
                raise Unspliceable("a parameter set is too long")
            kind = nal_type(nal)
            at = next((n for n, (first, _) in enumerate(arrays) if first & 63 == kind), None)
            if at is None:
                # The set stands within the stream as well, so the array is not called complete.
                arrays.append((kind, (nal,)))
            else:
                arrays[at] = arrays[at][0], (*arrays[at][1], nal)
        if len(arrays) > 255 or any(len(nals) > 0xFFFF for _, nals in arrays):
            raise Unspliceable("it has too many parameter sets already")
        return replace(self, arrays=tuple(arrays))

    def build(self) -> bytes:
        """Return the record's bytes."""
        body = b"".join(
            bytes([first])
            + len(nals).to_bytes(2, "big")
            + b"".join(len(nal).to_bytes(2, "big") + nal for nal in nals)
            for first, nals in self.arrays
        )
        return self.head + bytes([len(self.arrays)]) + body


def _nals(data: bytes, at: int, count: int) -> tuple[tuple[bytes, ...], int]:
    found: list[bytes] = []
    for _ in range(count):
        size = int.from_bytes(data[at : at + 2], "big")
        nal = data[at + 2 : at + 2 + size]
        if size < 2 or len(nal) != size:
            raise Unspliceable("its decoder configuration is damaged")
        found.append(nal)
        at += 2 + size
    return tuple(found), at
