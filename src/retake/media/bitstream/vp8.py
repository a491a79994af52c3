"""What VP8 packets say of their frames: where decoding can start, fineness.

Syntax: RFC 6386, 9.1 to 9.6 (frame header), 7.3 (boolean decoder).
"""

from __future__ import annotations

from dataclasses import dataclass

from retake.media.unspliceable import Unspliceable

_HEADER_BYTES = 128
_SYNC = b"\x9d\x01\x2a"


@dataclass(frozen=True, slots=True)
class Vp8Frame:
    """A frame's header.

    Attributes:
        key: Whether it is a key frame, which resets everything that a decoder keeps.
        shown: Whether it is shown.
        quantiser: Base quantiser index, 0 to 127.
    """

    key: bool
    shown: bool
    quantiser: int


def parse_vp8(frame: bytes) -> Vp8Frame:
    """Read the header of a frame.

    Raises:
        Unspliceable: It is none, or cut short.
    """
    tag = int.from_bytes(frame[:3], "little")
    key, shown = not tag & 1, bool(tag >> 4 & 1)
    if key and frame[3:6] != _SYNC:
        raise Unspliceable("a packet is not a VP8 frame")
    bools = _Bools(frame[10 if key else 3 :][:_HEADER_BYTES])
    if key:
        bools.number(2)  # color_space, clamping_type
    if bools.number(1):
        _skip_segmentation(bools)
    bools.number(1 + 6 + 3)  # filter_type, loop_filter_level, sharpness_level
    if bools.number(1) and bools.number(1):
        _skip_optional(bools, 8, 7)
    bools.number(2)  # log2_nbr_of_dct_partitions
    return Vp8Frame(key, shown, bools.number(7))


def _skip_segmentation(bools: _Bools) -> None:
    with_map, with_data = bools.number(1), bools.number(1)
    if with_data:
        bools.number(1)  # segment_feature_mode
        _skip_optional(bools, 4, 8)
        _skip_optional(bools, 4, 7)
    if with_map:
        _skip_optional(bools, 3, 8)


def _skip_optional(bools: _Bools, count: int, width: int) -> None:
    for _ in range(count):
        if bools.number(1):
            bools.number(width)


class _Bools:
    """Decodes even chances off arithmetic-coded data."""

    def __init__(self, data: bytes) -> None:
        if len(data) < 2:
            raise Unspliceable("a header is damaged")
        self._data, self._at = data, 2
        self._value = int.from_bytes(data[:2], "big")
        self._range, self._shifted = 255, 0

    def number(self, width: int) -> int:
        """Return an unsigned number of `width` bits: L(n)."""
        value = 0
        for _ in range(width):
            value = value << 1 | self._bit()
        return value

    def _bit(self) -> int:
        split = 1 + ((self._range - 1) * 128 >> 8)
        bit = int(self._value >= split << 8)
        if bit:
            self._value -= split << 8
            self._range -= split
        else:
            self._range = split
        while self._range < 128:
            self._value <<= 1
            self._range <<= 1
            self._shifted += 1
            if self._shifted == 8:
                self._shifted = 0
                if self._at >= len(self._data):
                    raise Unspliceable("a header is damaged")
                self._value |= self._data[self._at]
                self._at += 1
        return bit
