"""The slice headers of an H.264 stream of frames: read, and written anew before the same data.

Syntax: ITU-T H.264 (08/2021), 7.3.3 and 7.3.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from retake.media.bitstream.h264 import Pps, Sps
from retake.media.bitstream.nal import H264_IDR, Bits, unescape
from retake.media.unspliceable import Unspliceable

HEADER_BYTES = 400
"""No slice header is longer: 32 references with weights, and as many changes of their order."""

P, B, I = 0, 1, 2  # noqa: E741
"""Kinds of slices."""

Operations = tuple[tuple[int, ...], ...]
"""Operations on references: their numbers in the standard's tables, each with its operands."""


@dataclass(frozen=True, slots=True)
class SliceHeader:
    """What the header of a slice says.

    Attributes:
        ref_idc: 0 where no other picture refers to this one.
        kind: P, B or I.
        active: How many entries of either list of references the slice may use.
        changes: How the order of either list is changed.
        marking: What becomes of older references (8.2.5.4); empty for the sliding window.
        rest: Bits [start, end) of the header behind what tells the picture's place.
        marked: Bits of the header that hold `marking`, within `rest`.
    """

    ref_idc: int
    idr: bool
    first_mb: int
    kind: int
    sps_id: int
    frame_num: int
    idr_pic_id: int
    poc_lsb: int
    poc_delta: int
    active: tuple[int, int]
    changes: tuple[Operations, Operations]
    marking: Operations
    quantiser: int
    rest: tuple[int, int]
    marked: tuple[int, int]


def parse_slice(nal: bytes, spss: Mapping[int, Sps], ppss: Mapping[int, Pps]) -> SliceHeader:
    """Read the header of a slice of frames.

    Args:
        nal: The NAL unit, or its first HEADER_BYTES.
        spss: The sequence parameter sets by id.
        ppss: The picture parameter sets by id.

    Raises:
        Unspliceable: It is damaged, or holds fields, or is of a kind that only the Extended
            profile has.
        KeyError: Its parameter sets are missing.
    """
    data = unescape(nal[:HEADER_BYTES])
    bits, idr, ref_idc = Bits(data[1:]), nal[0] & 31 == H264_IDR, nal[0] >> 5 & 3
    whole = bits.left + 8
    first_mb, kind = bits.unsigned(), bits.unsigned() % 5
    pps = ppss[bits.unsigned()]
    sps = spss[pps.sps_id]
    if not sps.frames_only or kind > I:
        raise Unspliceable("it may hold fields")
    bits.fixed(2 if sps.separate_planes else 0)
    frame_num = bits.fixed(sps.frame_num_bits)
    idr_pic_id = bits.unsigned() if idr else 0
    poc_lsb, poc_delta = _order(bits, sps, pps)
    if pps.redundant:
        bits.unsigned()
    start = whole - bits.left
    if kind == B:
        bits.flag()  # direct_spatial_mv_pred_flag
    active = _active(bits, pps, kind)
    changes = _changes(bits, kind >= P and kind != I), _changes(bits, kind == B)
    if (pps.weighted and kind == P) or (pps.weighted_b and kind == B):
        _skip_weights(bits, sps, active)
    before = whole - bits.left
    marking = _marking(bits, idr=idr) if ref_idc else ()
    after = whole - bits.left
    if pps.cabac and kind != I:
        bits.unsigned()  # cabac_init_idc
    quantiser = pps.quantiser + bits.signed()
    if pps.deblocking and bits.unsigned() != 1:
        bits.signed()
        bits.signed()
    return SliceHeader(
        ref_idc=ref_idc,
        idr=idr,
        first_mb=first_mb,
        kind=kind,
        sps_id=pps.sps_id,
        frame_num=frame_num,
        idr_pic_id=idr_pic_id,
        poc_lsb=poc_lsb,
        poc_delta=poc_delta,
        active=active,
        changes=changes,
        marking=marking,
        quantiser=quantiser,
        rest=(start, whole - bits.left),
        marked=(before, after),
    )


def _order(bits: Bits, sps: Sps, pps: Pps) -> tuple[int, int]:
    if sps.poc_type == 0:
        return bits.fixed(sps.poc_bits), bits.signed() if pps.bottom_poc else 0
    if sps.poc_type == 1 and not sps.poc_delta_always_zero:
        bits.signed()
        if pps.bottom_poc:
            bits.signed()
    return 0, 0


def _active(bits: Bits, pps: Pps, kind: int) -> tuple[int, int]:
    if kind == I:
        return 0, 0
    first, second = pps.references
    if bits.flag():  # num_ref_idx_active_override_flag
        first = bits.unsigned() + 1
        if kind == B:
            second = bits.unsigned() + 1
    return first, second if kind == B else 0


def _changes(bits: Bits, present: bool) -> Operations:  # noqa: FBT001
    found: list[tuple[int, ...]] = []
    if present and bits.flag():
        while (operation := bits.unsigned()) != 3:
            found.append((operation, bits.unsigned()))
    return tuple(found)


def _skip_weights(bits: Bits, sps: Sps, active: tuple[int, int]) -> None:
    bits.unsigned()  # luma_log2_weight_denom
    if sps.chroma:
        bits.unsigned()
    for _ in range(sum(active)):
        for numbers in (2, 4) if sps.chroma else (2,):
            if bits.flag():
                for _ in range(numbers):
                    bits.signed()


def _marking(bits: Bits, *, idr: bool) -> Operations:
    if idr:
        bits.flag()  # no_output_of_prior_pics_flag
        return ((2,),) if bits.flag() else ()
    found: list[tuple[int, ...]] = []
    if bits.flag():  # adaptive_ref_pic_marking_mode_flag
        while operation := bits.unsigned():
            operands = {5: 0, 3: 2}.get(operation, 1)
            found.append((operation, *(bits.unsigned() for _ in range(operands))))
    return tuple(found)
