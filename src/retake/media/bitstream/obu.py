"""AV1's open bitstream units, and what a sequence header says that splicing has to know.

Syntax: AV1 Bitstream & Decoding Process Specification (1.0.0 with errata 1), 5.3 (OBU header),
5.5 (sequence header); av1C: AV1 Codec ISO Media File Format Binding, 2.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from retake.media.bitstream.nal import Bits
from retake.media.unspliceable import Unspliceable

SEQUENCE_HEADER, TEMPORAL_DELIMITER, FRAME_HEADER, METADATA, FRAME = 1, 2, 3, 5, 6
_PADDING, _TILE_LIST = 15, 8
SELECT = 2
"""Value of `screen_content_tools` and `integer_mv` where each frame decides for itself."""


@dataclass(frozen=True, slots=True)
class Obu:
    """One unit: its type, its payload, and its bytes with header and size."""

    kind: int
    payload: bytes
    raw: bytes


@dataclass(frozen=True, slots=True)
class Av1Colour:
    """How samples are stored, and what colours they mean (ISO/IEC 23091-2)."""

    bit_depth: int
    described: tuple[int, int, int]
    full_range: bool
    subsampling: tuple[int, int] = (1, 1)
    position: int = 0
    monochrome: bool = False


@dataclass(frozen=True, slots=True)
class Sequence:
    """What a sequence header says.

    Attributes:
        profile, level, tier: Of the first operating point.
        layers: Spatial layers of the first operating point.
        size: Largest width and height, in pixels.
        size_bits: Bits in which a frame tells its own.
        order_hint_bits: 0 where frames have none.
        frame_id_bits: 0 where frames have none; the number of bits of a difference follows it.
        superblock_128, superres, ref_frame_mvs: What frames may use.
        screen_content_tools, integer_mv: 0, 1 or `SELECT`.
        timed: Whether frame headers carry times of a decoder model.
        colour: See `Av1Colour`.
    """

    profile: int
    level: int
    tier: int
    layers: int
    size: tuple[int, int]
    size_bits: tuple[int, int]
    order_hint_bits: int
    frame_id_bits: tuple[int, int]
    superblock_128: bool
    superres: bool
    ref_frame_mvs: bool
    screen_content_tools: int
    integer_mv: int
    timed: bool
    colour: Av1Colour


def split_obus(data: bytes) -> Iterator[Obu]:
    """Yield the units of a temporal unit.

    Raises:
        Unspliceable: A size points past the end, or a header is damaged.
    """
    at = 0
    while at < len(data):
        header = data[at]
        body = at + 1 + (header >> 2 & 1)
        if header & 0x80:
            raise Unspliceable("a packet is damaged")
        if header & 2:
            size, body = _leb128(data, body)
        else:
            size = len(data) - body
        if size < 0 or body + size > len(data):
            raise Unspliceable("a packet is damaged")
        yield Obu(header >> 3 & 15, data[body : body + size], data[at : body + size])
        at = body + size


def only_coded(data: bytes) -> bytes:
    """Return a temporal unit as containers hold it: no delimiters, no padding, no tile lists."""
    dropped = {TEMPORAL_DELIMITER, _PADDING, _TILE_LIST}
    return b"".join(obu.raw for obu in split_obus(data) if obu.kind not in dropped)


def sequence_of(obus: Iterable[Obu]) -> Sequence | None:
    """Return what the first sequence header among units says; None where there is none."""
    return next((parse_sequence(obu.payload) for obu in obus if obu.kind == SEQUENCE_HEADER), None)


def config_obus(config: bytes) -> bytes:
    """Return the units in an av1C record.

    Raises:
        Unspliceable: It is none.
    """
    if len(config) < 4 or config[0] != 0x81:
        raise Unspliceable("its decoder configuration is not an av1C record")
    return config[4:]


def parse_sequence(payload: bytes) -> Sequence:
    """Read a sequence header.

    Raises:
        Unspliceable: It is cut short, or of a single still picture.
    """
    bits = Bits(payload)
    profile = bits.fixed(3)
    bits.fixed(1)  # still_picture
    if bits.flag():  # reduced_still_picture_header
        raise Unspliceable("it is a still picture")
    delay_bits, timed = _timing(bits)
    level, tier, layers = _operating_points(bits, delay_bits)
    width_bits, height_bits = bits.fixed(4) + 1, bits.fixed(4) + 1
    size = bits.fixed(width_bits) + 1, bits.fixed(height_bits) + 1
    frame_id_bits = 0, 0
    if bits.flag():  # frame_id_numbers_present_flag
        difference = bits.fixed(4) + 2
        frame_id_bits = bits.fixed(3) + difference + 1, difference
    superblock_128 = bits.flag()
    bits.fixed(2)  # enable_filter_intra, enable_intra_edge_filter
    bits.fixed(4)  # interintra and masked compound, warped motion, dual filter
    ordered = bits.flag()
    ref_frame_mvs = ordered and bool(bits.fixed(2) & 1)  # enable_jnt_comp comes first
    screen = SELECT if bits.flag() else bits.fixed(1)
    integer = SELECT if not screen or bits.flag() else bits.fixed(1)
    order_hint_bits = bits.fixed(3) + 1 if ordered else 0
    superres = bits.flag()
    bits.fixed(2)  # enable_cdef, enable_restoration
    return Sequence(
        profile=profile,
        level=level,
        tier=tier,
        layers=layers,
        size=size,
        size_bits=(width_bits, height_bits),
        order_hint_bits=order_hint_bits,
        frame_id_bits=frame_id_bits,
        superblock_128=superblock_128,
        superres=superres,
        ref_frame_mvs=ref_frame_mvs,
        screen_content_tools=screen,
        integer_mv=integer,
        timed=timed,
        colour=_colour(bits, profile),
    )


def _leb128(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for number in range(8):
        if at >= len(data):
            break
        value |= (data[at] & 127) << 7 * number
        at += 1
        if not data[at - 1] & 128:
            return value, at
    raise Unspliceable("a packet is damaged")


def _timing(bits: Bits) -> tuple[int | None, bool]:
    """Return the bits of a decoder model's delays, None without one; whether frames are timed."""
    if not bits.flag():  # timing_info_present_flag
        return None, False
    bits.fixed(64)  # num_units_in_display_tick, time_scale
    if bits.flag():  # equal_picture_interval
        bits.unsigned()
    if not bits.flag():  # decoder_model_info_present_flag
        return None, False
    delay_bits = bits.fixed(5) + 1
    bits.fixed(32 + 5 + 5)
    return delay_bits, True


def _operating_points(bits: Bits, delay_bits: int | None) -> tuple[int, int, int]:
    delayed = bits.flag()  # initial_display_delay_present_flag
    found: list[tuple[int, int, int]] = []
    for _ in range(bits.fixed(5) + 1):
        layers, level = bits.fixed(12), bits.fixed(5)
        tier = bits.fixed(1) if level > 7 else 0
        if delay_bits is not None and bits.flag():
            bits.fixed(2 * delay_bits + 1)
        if delayed and bits.flag():
            bits.fixed(4)
        found.append((level, tier, (layers >> 8).bit_count()))
    return found[0]


def _colour(bits: Bits, profile: int) -> Av1Colour:
    depth = 10 if bits.flag() else 8
    if profile == 2 and depth == 10 and bits.flag():
        depth = 12
    monochrome = profile != 1 and bits.flag()
    described = (bits.fixed(8), bits.fixed(8), bits.fixed(8)) if bits.flag() else (2, 2, 2)
    if monochrome:
        return Av1Colour(depth, described, bits.flag(), monochrome=True)
    if described == (1, 13, 0):
        return Av1Colour(depth, described, full_range=True, subsampling=(0, 0))
    full = bits.flag()
    across, down = {0: (1, 1), 1: (0, 0)}.get(profile, (1, 0))
    if profile == 2 and depth == 12:
        across = bits.fixed(1)
        down = bits.fixed(1) if across else 0
    position = bits.fixed(2) if across and down else 0
    return Av1Colour(depth, described, full, (across, down), position)
