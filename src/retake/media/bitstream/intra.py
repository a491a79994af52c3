"""What single pictures of ProRes, DNxHD and JPEG say of themselves: size, fields, fineness.

Formats: SMPTE RDD 36 (ProRes frame header), SMPTE ST 2019-1 (VC-3, which is DNxHD and DNxHR),
ITU-T T.81 (JPEG).
"""

from __future__ import annotations

from dataclasses import dataclass

from retake.media.unspliceable import Unspliceable

_VC3_PREFIX = b"\x00\x00\x02\x80"
_SOI, _SOS, _EOI, _DQT = 0xD8, 0xDA, 0xD9, 0xDB
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD8)})


@dataclass(frozen=True, slots=True)
class ProresFrame:
    """A ProRes frame header.

    Attributes:
        vendor: Four letters of the encoder's maker.
        width, height: In pixels.
        progressive: Whether it is one picture, not two fields.
        chroma: 2 for 4:2:2, 3 for 4:4:4.
        alpha_bits: 0, 8 or 16.
    """

    vendor: str
    width: int
    height: int
    progressive: bool
    chroma: int
    alpha_bits: int


def parse_prores(data: bytes) -> ProresFrame:
    """Read the header of a ProRes frame.

    Raises:
        Unspliceable: It is none, or cut short.
    """
    if len(data) < 28 or data[4:8] != b"icpf":
        raise Unspliceable("a packet is not a ProRes frame")
    alpha = {0: 0, 1: 8, 2: 16}.get(data[25] & 15)
    if alpha is None:
        raise Unspliceable("its transparency is of an unknown kind")
    return ProresFrame(
        vendor=data[12:16].decode("latin-1"),
        width=int.from_bytes(data[16:18], "big"),
        height=int.from_bytes(data[18:20], "big"),
        progressive=not data[20] >> 2 & 3,
        chroma=data[20] >> 6,
        alpha_bits=alpha,
    )


@dataclass(frozen=True, slots=True)
class Vc3Frame:
    """A DNxHD or DNxHR frame header.

    Attributes:
        compression_id: Which of the standard's combinations of size, depth and rate it is.
        progressive: Whether it is one picture, not two fields.
    """

    compression_id: int
    progressive: bool


def parse_vc3(data: bytes) -> Vc3Frame:
    """Read the header of a DNxHD or DNxHR frame.

    Raises:
        Unspliceable: It is none, or cut short.
    """
    if len(data) < 0x2C or data[:4] != _VC3_PREFIX:
        raise Unspliceable("a packet is not a DNxHD frame")
    return Vc3Frame(
        compression_id=int.from_bytes(data[0x28:0x2C], "big"), progressive=not data[5] & 2
    )


@dataclass(frozen=True, slots=True)
class Jpeg:
    """A JPEG picture.

    Attributes:
        quantisers: Sum of the 64 steps of its finest quantisation table.
        pictures: 2 where the packet holds two fields.
    """

    quantisers: int
    pictures: int


def parse_jpeg(data: bytes) -> Jpeg:
    """Read a JPEG picture's tables, up to the coded data.

    Raises:
        Unspliceable: It is none, has no quantisation table, or is cut short.
    """
    if data[:2] != bytes((0xFF, _SOI)):
        raise Unspliceable("a packet is not a JPEG picture")
    sums: list[int] = []
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            break
        marker = data[at + 1]
        if marker == 0xFF or marker in _WITHOUT_LENGTH:
            at += 1 if marker == 0xFF else 2
            continue
        size = int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == _DQT:
            sums.extend(_tables(data[at + 4 : at + 2 + size]))
        if marker in {_SOS, _EOI} or size < 2:
            break
        at += 2 + size
    if not sums:
        raise Unspliceable("its pictures carry no quantisation tables")
    # Coded data holds no marker, so that another start is another picture.
    return Jpeg(min(sums), 1 + data.count(bytes((0xFF, _SOI, 0xFF)), at))


def _tables(payload: bytes) -> list[int]:
    sums: list[int] = []
    at = 0
    while at < len(payload):
        wide = payload[at] >> 4
        steps = payload[at + 1 : at + 1 + 64 * (2 if wide else 1)]
        if len(steps) != (128 if wide else 64):
            raise Unspliceable("its quantisation tables are damaged")
        # A step of more than 8 bits belongs to samples of 12 bits.
        sums.append(sum(steps[1::2]) + 256 * sum(steps[::2]) if wide else sum(steps))
        at += 1 + len(steps)
    return sums
