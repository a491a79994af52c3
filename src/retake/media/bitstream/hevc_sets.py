"""What HEVC's parameter sets say that splicing has to know.

Syntax: ITU-T H.265 (08/2021), 7.3.2.2 (SPS), 7.3.2.3 (PPS), 7.3.3 (profile, tier and level),
7.3.4 (scaling lists), E.2.1 (VUI).
"""

from __future__ import annotations

from dataclasses import dataclass

from retake.media.bitstream.hevc_references import RefSet, parse_ref_sets
from retake.media.bitstream.nal import Bits, unescape


@dataclass(frozen=True, slots=True)
class Sps:
    """What a sequence parameter set says; `chroma_place` is chroma_sample_loc_type_top_field."""

    id: int
    vps_id: int
    separate_planes: bool
    chroma: bool
    poc_bits: int
    reordered: int
    sao: bool
    reference_sets: tuple[RefSet, ...]
    long_term: bool
    long_term_sets: int
    temporal_mvp: bool
    chroma_place: int | None


@dataclass(frozen=True, slots=True)
class Pps:
    """What a picture parameter set says, up to the tools that need no more than slices do."""

    id: int
    sps_id: int
    output_flag: bool
    extra_bits: int
    cabac_init: bool
    references: tuple[int, int]
    quantiser: int
    adaptive: bool
    weighted: bool
    weighted_b: bool
    lists_modified: bool


def sps_id(nal: bytes) -> int:
    """Return a sequence parameter set's id."""
    bits = Bits(unescape(nal[:128])[2:])
    bits.fixed(4)
    _skip_profile(bits, _sub_layers(bits))
    return bits.unsigned()


def parse_sps(nal: bytes) -> Sps:
    """Read a sequence parameter set.

    Raises:
        Unspliceable: It is not understood.
    """
    bits = Bits(unescape(nal)[2:])
    vps_id, sub_layers = bits.fixed(4), _sub_layers(bits)
    _skip_profile(bits, sub_layers)
    number, chroma = bits.unsigned(), bits.unsigned()
    separate = bits.flag() if chroma == 3 else False
    bits.unsigned()  # pic_width_in_luma_samples
    bits.unsigned()  # pic_height_in_luma_samples
    if bits.flag():  # conformance_window_flag
        _skip_unsigned(bits, 4)
    _skip_unsigned(bits, 2)  # bit depths
    poc_bits = 4 + bits.unsigned()
    reordered = 0
    for _ in range(sub_layers + 1 if bits.flag() else 1):
        bits.unsigned()  # sps_max_dec_pic_buffering_minus1
        reordered = bits.unsigned()
        bits.unsigned()  # sps_max_latency_increase_plus1
    _skip_unsigned(bits, 6)  # block sizes and depths
    if bits.flag() and bits.flag():
        _skip_scaling_lists(bits)
    bits.flag()  # amp_enabled_flag
    sao = bits.flag()
    if bits.flag():  # pcm_enabled_flag
        bits.fixed(8)
        _skip_unsigned(bits, 2)
        bits.flag()
    sets = parse_ref_sets(bits)
    long_term, long_term_sets = bits.flag(), 0
    if long_term:
        long_term_sets = bits.unsigned()
        bits.fixed(long_term_sets * (poc_bits + 1))
    temporal_mvp = bits.flag()
    bits.flag()  # strong_intra_smoothing_enabled_flag
    return Sps(
        id=number,
        vps_id=vps_id,
        separate_planes=separate,
        chroma=chroma != 0 and not separate,
        poc_bits=poc_bits,
        reordered=reordered,
        sao=sao,
        reference_sets=sets,
        long_term=long_term,
        long_term_sets=long_term_sets,
        temporal_mvp=temporal_mvp,
        chroma_place=_chroma_place(bits) if bits.flag() else None,
    )


def parse_pps(nal: bytes) -> Pps:
    """Read a picture parameter set.

    Raises:
        Unspliceable: It is not understood.
    """
    bits = Bits(unescape(nal)[2:])
    number, its_sps = bits.unsigned(), bits.unsigned()
    bits.flag()  # dependent_slice_segments_enabled_flag: only a picture's first slice is read
    output_flag, extra_bits = bits.flag(), bits.fixed(3)
    bits.flag()  # sign_data_hiding_enabled_flag
    cabac_init = bits.flag()
    references = bits.unsigned() + 1, bits.unsigned() + 1
    quantiser = 26 + bits.signed()
    bits.fixed(2)  # constrained_intra_pred_flag, transform_skip_enabled_flag
    adaptive = bits.flag()  # cu_qp_delta_enabled_flag
    if adaptive:
        bits.unsigned()
    bits.signed()  # pps_cb_qp_offset
    bits.signed()  # pps_cr_qp_offset
    bits.flag()  # pps_slice_chroma_qp_offsets_present_flag
    weighted, weighted_b = bits.flag(), bits.flag()
    bits.flag()  # transquant_bypass_enabled_flag
    tiles = bits.flag()
    bits.flag()  # entropy_coding_sync_enabled_flag
    if tiles:
        _skip_tiles(bits)
    bits.flag()  # pps_loop_filter_across_slices_enabled_flag
    if bits.flag():  # deblocking_filter_control_present_flag
        bits.flag()
        if not bits.flag():
            bits.signed()
            bits.signed()
    if bits.flag():  # pps_scaling_list_data_present_flag
        _skip_scaling_lists(bits)
    return Pps(
        id=number,
        sps_id=its_sps,
        output_flag=output_flag,
        extra_bits=extra_bits,
        cabac_init=cabac_init,
        references=references,
        quantiser=quantiser,
        adaptive=adaptive,
        weighted=weighted,
        weighted_b=weighted_b,
        lists_modified=bits.flag(),
    )


def _sub_layers(bits: Bits) -> int:
    sub_layers = bits.fixed(3)
    bits.flag()  # sps_temporal_id_nesting_flag
    return sub_layers


def _skip_profile(bits: Bits, sub_layers: int) -> None:
    bits.fixed(96)
    present = [(bits.flag(), bits.flag()) for _ in range(sub_layers)]
    bits.fixed(2 * (8 - sub_layers) if sub_layers else 0)
    for profile, level in present:
        bits.fixed(88 * profile + 8 * level)


def _skip_unsigned(bits: Bits, count: int) -> None:
    for _ in range(count):
        bits.unsigned()


def _skip_scaling_lists(bits: Bits) -> None:
    for size in range(4):
        for _ in range(2 if size == 3 else 6):
            if not bits.flag():  # scaling_list_pred_mode_flag
                bits.unsigned()
                continue
            if size > 1:
                bits.signed()
            for _ in range(min(64, 1 << (4 + 2 * size))):
                bits.signed()


def _skip_tiles(bits: Bits) -> None:
    columns, rows = bits.unsigned(), bits.unsigned()
    if not bits.flag():  # uniform_spacing_flag
        _skip_unsigned(bits, columns + rows)
    bits.flag()  # loop_filter_across_tiles_enabled_flag


def _chroma_place(bits: Bits) -> int | None:
    if bits.flag() and bits.fixed(8) == 255:  # aspect_ratio_idc
        bits.fixed(32)
    if bits.flag():  # overscan_info_present_flag
        bits.flag()
    if bits.flag():  # video_signal_type_present_flag
        bits.fixed(4)
        if bits.flag():
            bits.fixed(24)
    if not bits.flag():  # chroma_loc_info_present_flag
        return None
    top = bits.unsigned()
    bits.unsigned()
    return top
