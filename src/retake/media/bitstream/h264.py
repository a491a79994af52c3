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
    """What a sequence parameter set says.

    Attributes:
        size: Width and height of the coded pictures, in macroblocks.
        at_origin: Whether what is shown begins at the coded pictures' left upper corner.
        plain: Whether it has neither scaling lists of its own nor the bypass of the transform,
            which change what the same macroblocks mean.
    """

    id: int
    profile_idc: int
    constraints: int
    level_idc: int
    references: int
    frames_only: bool
    direct_8x8: bool
    size: tuple[int, int]
    at_origin: bool
    separate_planes: bool
    chroma: bool
    plain: bool
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
    references: tuple[int, int]
    weighted: bool
    weighted_b: bool
    quantiser: int
    deblocking: bool
    redundant: bool


def parse_sps(nal: bytes) -> Sps:
    """Read a sequence parameter set."""
    bits = Bits(unescape(nal)[1:])
    profile, constraints, level = bits.fixed(8), bits.fixed(8), bits.fixed(8)
    number, chroma, separate, plain = bits.unsigned(), 1, False, True
    if profile in _HIGH_PROFILES:
        chroma, separate, plain = _chroma_format(bits)
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
    width, height = bits.unsigned() + 1, bits.unsigned() + 1
    frames_only = bits.flag()
    if not frames_only:
        bits.flag()  # mb_adaptive_frame_field_flag
    direct_8x8 = bits.flag()
    left, _, top, _ = (bits.unsigned() for _ in range(4)) if bits.flag() else (0, 0, 0, 0)
    return Sps(
        id=number,
        profile_idc=profile,
        constraints=constraints,
        level_idc=level,
        references=references,
        frames_only=frames_only,
        direct_8x8=direct_8x8,
        size=(width, height * (2 - frames_only)),
        at_origin=not (left or top),
        separate_planes=separate,
        chroma=chroma != 0 and not separate,
        plain=plain,
        frame_num_bits=frame_num_bits,
        poc_type=poc_type,
        poc_bits=poc_bits,
        poc_delta_always_zero=always_zero,
    )


def _chroma_format(bits: Bits) -> tuple[int, bool, bool]:
    chroma = bits.unsigned()
    separate = bits.flag() if chroma == 3 else False
    bits.unsigned()
    bits.unsigned()
    bypass, scaled = bits.flag(), bits.flag()
    if scaled:
        for index in range(12 if chroma == 3 else 8):
            if bits.flag():
                _skip_scaling_list(bits, 16 if index < 6 else 64)
    return chroma, separate, not (bypass or scaled)


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
    references = bits.unsigned() + 1, bits.unsigned() + 1
    weighted, weighted_b = bits.flag(), bits.fixed(2) == 1
    quantiser = 26 + bits.signed()
    bits.signed()  # pic_init_qs_minus26
    bits.signed()  # chroma_qp_index_offset
    deblocking = bits.flag()
    bits.flag()  # constrained_intra_pred_flag
    return Pps(
        id=number,
        sps_id=sps_id,
        cabac=cabac,
        bottom_poc=bottom,
        references=references,
        weighted=weighted,
        weighted_b=weighted_b,
        quantiser=quantiser,
        deblocking=deblocking,
        redundant=bits.flag(),
    )
