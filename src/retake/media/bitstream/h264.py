"""What H.264's parameter sets say that splicing has to know: ids, references, level, quantiser.

Syntax: ITU-T H.264 (08/2021), 7.3.2.1 (SPS), 7.3.2.2 (PPS).
"""

from __future__ import annotations

from dataclasses import dataclass

from retake.media.bitstream.nal import Bits, unescape
from retake.media.unspliceable import Unspliceable

_HIGH_PROFILES = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})


@dataclass(frozen=True, slots=True)
class Sps:
    """What a sequence parameter set says."""

    id: int
    profile_idc: int
    constraints: int
    level_idc: int
    references: int
    frames_only: bool
    separate_planes: bool
    chroma: bool
    frame_num_bits: int
    poc_type: int
    poc_bits: int
    poc_delta_always_zero: bool


@dataclass(frozen=True, slots=True)
class Pps:
    """What a picture parameter set says."""

    id: int
    sps_id: int
    cabac: bool
    bottom_poc: bool
    references: int
    weighted: bool
    quantiser: int
    redundant: bool


def parse_sps(nal: bytes) -> Sps:
    """Read a sequence parameter set."""
    bits = Bits(unescape(nal)[1:])
    profile, constraints, level = bits.fixed(8), bits.fixed(8), bits.fixed(8)
    number, chroma, separate = bits.unsigned(), 1, False
    if profile in _HIGH_PROFILES:
        chroma, separate = _chroma_format(bits)
    frame_num_bits = 4 + bits.unsigned()
    poc_type, poc_bits, always_zero = bits.unsigned(), 0, False
    if poc_type == 0:
        poc_bits = 4 + bits.unsigned()
    elif poc_type == 1:
        always_zero = bits.flag()
        bits.signed()
        bits.signed()
        for _ in range(bits.unsigned()):
            bits.signed()
    references = bits.unsigned()
    bits.flag()  # gaps_in_frame_num_value_allowed_flag
    bits.unsigned()  # pic_width_in_mbs_minus1
    bits.unsigned()  # pic_height_in_map_units_minus1
    return Sps(
        id=number,
        profile_idc=profile,
        constraints=constraints,
        level_idc=level,
        references=references,
        frames_only=bits.flag(),
        separate_planes=separate,
        chroma=chroma != 0 and not separate,
        frame_num_bits=frame_num_bits,
        poc_type=poc_type,
        poc_bits=poc_bits,
        poc_delta_always_zero=always_zero,
    )


def _chroma_format(bits: Bits) -> tuple[int, bool]:
    chroma = bits.unsigned()
    separate = bits.flag() if chroma == 3 else False
    bits.unsigned()
    bits.unsigned()
    bits.flag()
    if bits.flag():
        for index in range(12 if chroma == 3 else 8):
            if bits.flag():
                _skip_scaling_list(bits, 16 if index < 6 else 64)
    return chroma, separate


def _skip_scaling_list(bits: Bits, size: int) -> None:
    last = upcoming = 8
    for _ in range(size):
        if upcoming:
            upcoming = (last + bits.signed()) % 256
        last = upcoming or last


def parse_pps(nal: bytes) -> Pps:
    """Read a picture parameter set.

    Raises:
        Unspliceable: It uses slice groups, which only the Extended profile has.
    """
    bits = Bits(unescape(nal)[1:])
    number, sps_id, cabac, bottom = bits.unsigned(), bits.unsigned(), bits.flag(), bits.flag()
    if bits.unsigned():
        raise Unspliceable("it uses slice groups")
    references = bits.unsigned() + 1
    bits.unsigned()  # num_ref_idx_l1_default_active_minus1
    weighted = bits.flag()
    bits.fixed(2)  # weighted_bipred_idc
    quantiser = 26 + bits.signed()
    bits.signed()  # pic_init_qs_minus26
    bits.signed()  # chroma_qp_index_offset
    bits.fixed(2)  # deblocking_filter_control_present_flag, constrained_intra_pred_flag
    return Pps(
        id=number,
        sps_id=sps_id,
        cabac=cabac,
        bottom_poc=bottom,
        references=references,
        weighted=weighted,
        quantiser=quantiser,
        redundant=bits.flag(),
    )
