"""What an HEVC picture's first slice tells: how finely it is quantised.

Syntax: ITU-T H.265 (08/2021), 7.3.6 (slice segment header).
"""

from __future__ import annotations

from collections.abc import Mapping

from retake.media.bitstream import hevc
from retake.media.bitstream.hevc_references import RefSet, parse_ref_set
from retake.media.bitstream.hevc_sets import Pps, Sps
from retake.media.bitstream.nal import Bits, unescape
from retake.media.unspliceable import Unspliceable

BIDIRECTIONAL, PREDICTED, INTRA = 0, 1, 2
_HEADER_BYTES = 192
_IDR = (hevc.IDR_W_RADL, hevc.IDR_N_LP)


def slice_quantiser(
    nal: bytes, spss: Mapping[int, Sps], ppss: Mapping[int, Pps]
) -> tuple[int, int]:
    """Return a slice's type (0 B, 1 P, 2 I) and the quantiser that it starts with.

    Raises:
        Unspliceable: It is not a picture's first one, or is damaged.
        KeyError: Its parameter sets are not known.
    """
    bits, kind = Bits(unescape(nal[:_HEADER_BYTES])[2:]), hevc.nal_type(nal)
    if not bits.flag():
        raise Unspliceable("it is not a slice that tells")
    if kind in hevc.IRAP:
        bits.flag()  # no_output_of_prior_pics_flag
    pps = ppss[bits.unsigned()]
    sps = spss[pps.sps_id]
    bits.fixed(pps.extra_bits)
    slice_type = bits.unsigned()
    bits.fixed(pps.output_flag + 2 * sps.separate_planes)
    references, temporal_mvp = 0, False
    if kind not in _IDR:
        references = _references(bits, sps)
        temporal_mvp = sps.temporal_mvp and bits.flag()
    if sps.sao:
        bits.fixed(1 + sps.chroma)
    if slice_type != INTRA:
        _skip_prediction(bits, sps, pps, slice_type, references, temporal_mvp=temporal_mvp)
    return slice_type, pps.quantiser + bits.signed()


def _references(bits: Bits, sps: Sps) -> int:
    """Return how many pictures a slice may refer to: NumPicTotalCurr."""
    bits.fixed(sps.poc_bits)
    if bits.flag():  # short_term_ref_pic_set_sps_flag
        chosen = bits.fixed(_bits_for(len(sps.reference_sets)))
        if chosen >= len(sps.reference_sets):
            raise Unspliceable("a header is damaged")
        own: RefSet = sps.reference_sets[chosen]
    else:
        own = parse_ref_set(bits, sps.reference_sets, in_slice=True)
    return own.used + (_long_term(bits, sps) if sps.long_term else 0)


def _long_term(bits: Bits, sps: Sps) -> int:
    listed = bits.unsigned() if sps.long_term_sets else 0
    used = 0
    for at in range(listed + bits.unsigned()):
        if at < listed:
            bits.fixed(_bits_for(sps.long_term_sets))
            # Whether it is used is said in the SPS; nearly all are.
            used += 1
        else:
            bits.fixed(sps.poc_bits)
            used += bits.flag()
        if bits.flag():  # delta_poc_msb_present_flag
            bits.unsigned()
    return used


def _skip_prediction(
    bits: Bits, sps: Sps, pps: Pps, slice_type: int, references: int, *, temporal_mvp: bool
) -> None:
    counts = list(pps.references)
    if bits.flag():  # num_ref_idx_active_override_flag
        counts = [bits.unsigned() + 1, bits.unsigned() + 1 if slice_type == BIDIRECTIONAL else 0]
    counts = counts[: 2 if slice_type == BIDIRECTIONAL else 1]
    if max(counts) > 16:
        raise Unspliceable("a header is damaged")
    if pps.lists_modified and references > 1:
        for count in counts:
            if bits.flag():
                bits.fixed(count * _bits_for(references))
    if slice_type == BIDIRECTIONAL:
        bits.flag()  # mvd_l1_zero_flag
    bits.fixed(pps.cabac_init)
    if temporal_mvp:
        first = bits.flag() if slice_type == BIDIRECTIONAL else True
        if counts[0 if first else 1] > 1:
            bits.unsigned()  # collocated_ref_idx
    if pps.weighted if slice_type == PREDICTED else pps.weighted_b:
        _skip_weights(bits, counts, chroma=sps.chroma)
    bits.unsigned()  # five_minus_max_num_merge_cand


def _skip_weights(bits: Bits, counts: list[int], *, chroma: bool) -> None:
    bits.unsigned()  # luma_log2_weight_denom
    if chroma:
        bits.signed()  # delta_chroma_log2_weight_denom
    for count in counts:
        luma = [bits.flag() for _ in range(count)]
        coloured = [chroma and bits.flag() for _ in range(count)]
        for number in range(count):
            for _ in range(2 * luma[number] + 4 * coloured[number]):
                bits.signed()


def _bits_for(count: int) -> int:
    return max(count - 1, 0).bit_length()
