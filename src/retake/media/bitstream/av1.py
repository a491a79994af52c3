"""What AV1's frame headers say: where decoding can start, what is shown, how fine it is.

Syntax: AV1 Bitstream & Decoding Process Specification (1.0.0 with errata 1), 5.9.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from retake.media.bitstream.nal import Bits
from retake.media.bitstream.obu import FRAME, FRAME_HEADER, SELECT, Obu, Sequence
from retake.media.unspliceable import Unspliceable

_HEADER_BYTES = 128
_KEY, _INTRA_ONLY, _SWITCH = 0, 2, 3
_ALL_FRAMES = 0xFF
_MAX_TILE_WIDTH, _MAX_TILE_AREA, _MAX_TILES = 4096, 4096 * 2304, 64


@dataclass(frozen=True, slots=True)
class Av1Frame:
    """A frame header, as far as it was read.

    Attributes:
        key: Whether it is a key frame.
        shown: Whether it is shown.
        again: Whether it only shows a frame that was decoded before.
        quantiser: Base quantiser index, 0 to 255; None where the header is an unusual one.
    """

    key: bool
    shown: bool
    again: bool = False
    quantiser: int | None = None


def frames_of(obus: Iterable[Obu], sequence: Sequence) -> list[Av1Frame]:
    """Return the frames of a temporal unit.

    Raises:
        Unspliceable: A header is damaged.
    """
    kinds = {FRAME, FRAME_HEADER}
    return [parse_frame(obu.payload, sequence) for obu in obus if obu.kind in kinds]


def parse_frame(payload: bytes, sequence: Sequence) -> Av1Frame:
    """Read a frame header.

    Raises:
        Unspliceable: It is cut short.
    """
    bits = Bits(payload[:_HEADER_BYTES])
    if bits.flag():  # show_existing_frame
        return Av1Frame(key=False, shown=True, again=True)
    kind, shown = bits.fixed(2), bits.flag()
    if sequence.timed or sequence.superres or kind == _SWITCH:
        return Av1Frame(kind == _KEY, shown)
    try:
        return Av1Frame(kind == _KEY, shown, quantiser=_quantiser(bits, sequence, kind, shown))
    except Unspliceable:
        return Av1Frame(kind == _KEY, shown)


def _quantiser(bits: Bits, sequence: Sequence, kind: int, shown: bool) -> int:  # noqa: FBT001
    if not shown:
        bits.fixed(1)  # showable_frame
    intra = kind in {_KEY, _INTRA_ONLY}
    resilient = (kind == _KEY and shown) or bits.flag()
    no_cdf_update = bits.flag()
    screen = sequence.screen_content_tools
    screen = bits.fixed(1) if screen == SELECT else screen
    whole_pixels = 0
    if screen:
        whole_pixels = bits.fixed(1) if sequence.integer_mv == SELECT else sequence.integer_mv
    bits.fixed(sequence.frame_id_bits[0])
    if bits.flag():  # frame_size_override_flag
        raise Unspliceable("its frames change their size")
    bits.fixed(sequence.order_hint_bits)
    bits.fixed(0 if intra or resilient else 3)  # primary_ref_frame
    refresh = _ALL_FRAMES if kind == _KEY and shown else bits.fixed(8)
    if (not intra or refresh != _ALL_FRAMES) and resilient:
        bits.fixed(8 * sequence.order_hint_bits)  # ref_order_hint
    if intra:
        _render_size(bits)
        bits.fixed(1 if screen else 0)  # allow_intrabc
    else:
        _references(bits, sequence, whole_pixels=bool(whole_pixels), resilient=resilient)
    bits.fixed(0 if no_cdf_update else 1)  # disable_frame_end_update_cdf
    _tiles(bits, sequence)
    return bits.fixed(8)


def _render_size(bits: Bits) -> None:
    if bits.flag():  # render_and_frame_size_different
        bits.fixed(32)


def _references(bits: Bits, sequence: Sequence, *, whole_pixels: bool, resilient: bool) -> None:
    short = bool(sequence.order_hint_bits) and bits.flag()
    if short:
        bits.fixed(6)  # last_frame_idx, gold_frame_idx
    for _ in range(7):
        bits.fixed((0 if short else 3) + sequence.frame_id_bits[1])
    _render_size(bits)
    bits.fixed(0 if whole_pixels else 1)  # allow_high_precision_mv
    if not bits.flag():  # is_filter_switchable
        bits.fixed(2)
    bits.fixed(1)  # is_motion_mode_switchable
    bits.fixed(1 if sequence.ref_frame_mvs and not resilient else 0)  # use_ref_frame_mvs


def _tiles(bits: Bits, sequence: Sequence) -> None:
    shift = 5 if sequence.superblock_128 else 4
    across, down = ((2 * ((size + 7) >> 3) + (1 << shift) - 1) >> shift for size in sequence.size)
    if not bits.flag():  # uniform_tile_spacing_flag
        raise Unspliceable("its tiles are of unlike sizes")
    least = _log2(_MAX_TILE_WIDTH >> (shift + 2), across)
    columns = _grown(bits, least, _log2(1, min(across, _MAX_TILES)))
    area = _log2(_MAX_TILE_AREA >> 2 * (shift + 2), across * down)
    least = max(max(least, area) - columns, 0)
    rows = _grown(bits, least, _log2(1, min(down, _MAX_TILES)))
    if columns or rows:
        bits.fixed(columns + rows + 2)  # context_update_tile_id, tile_size_bytes_minus_1


def _log2(block: int, target: int) -> int:
    return next(power for power in range(32) if block << power >= target)


def _grown(bits: Bits, least: int, most: int) -> int:
    while least < most and bits.flag():
        least += 1
    return least
