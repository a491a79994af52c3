"""What the slices of an H.264 stream tell: where it may be cut, and how finely it is quantised.

Syntax: ITU-T H.264 (08/2021), 7.3.3 (slice header).
"""

from __future__ import annotations

from retake.media.bitstream.h264 import Pps, Sps, parse_pps, parse_sps
from retake.media.bitstream.nal import (
    H264_IDR,
    H264_PPS,
    H264_SLICES,
    H264_SPS,
    AvcConfig,
    Bits,
    split_sized,
    unescape,
)
from retake.media.unspliceable import Unspliceable

_SLICE_HEADER_BYTES = 96
_P, _I = 0, 2


class StreamLook:
    """Looks at every packet of an H.264 stream in MP4 once, on its way into the index.

    Attributes:
        length_size: Bytes of the length before every NAL unit.
        sps, pps: The parameter sets of the container, by id.
        used: Every parameter set id in the container or in a keyframe's packet.
    """

    def __init__(self, config: AvcConfig) -> None:
        self.length_size = config.length_size
        self.sps = {sps.id: sps for sps in map(parse_sps, config.sps)}
        self.pps = {pps.id: pps for pps in map(parse_pps, config.pps)}
        self.used = set(self.sps) | set(self.pps)
        self._quantisers: dict[int, list[int]] = {_P: [], _I: []}

    @property
    def quantisers(self) -> list[int]:
        """Quantisers at the start of the predicted pictures, or of the intra ones.

        B pictures say little: encoders spend less on them. Empty where none could be read.
        """
        return self._quantisers[_P] or self._quantisers[_I]

    def is_clean(self, data: bytes, *, key: bool) -> bool:
        """Return whether a packet is an IDR picture; keep what else it tells."""
        for nal in split_sized(data, self.length_size):
            kind = nal[0] & 31
            if kind == H264_SPS:
                self.used.add(parse_sps(nal).id)
            elif kind == H264_PPS:
                self.used.add(Bits(unescape(nal)[1:]).unsigned())
            elif kind in H264_SLICES:
                self._note(nal)
                return key and kind == H264_IDR
        return False

    def _note(self, nal: bytes) -> None:
        try:
            kind, quantiser = _slice_quantiser(nal, self.sps, self.pps)
        except (Unspliceable, KeyError):
            # Only the quality is estimated from this; a slice that cannot be read tells nothing.
            return
        self._quantisers[kind].append(quantiser)


def _slice_quantiser(nal: bytes, spss: dict[int, Sps], ppss: dict[int, Pps]) -> tuple[int, int]:
    """Return a P or I slice's kind and the quantiser that it starts with."""
    bits = Bits(unescape(nal[:_SLICE_HEADER_BYTES])[1:])
    bits.unsigned()  # first_mb_in_slice
    kind = bits.unsigned() % 5
    pps = ppss[bits.unsigned()]
    sps = spss[pps.sps_id]
    if not sps.frames_only or kind not in {_P, _I}:
        raise Unspliceable("it is not a slice that tells")
    bits.fixed(2 if sps.separate_planes else 0)
    bits.fixed(sps.frame_num_bits)
    idr = nal[0] & 31 == H264_IDR
    if idr:
        bits.unsigned()  # idr_pic_id
    _skip_poc(bits, sps, pps)
    if pps.redundant:
        bits.unsigned()
    if kind == _P:
        _skip_references(bits, sps, pps)
    if nal[0] >> 5 & 3:
        _skip_marking(bits, idr=idr)
    if pps.cabac and kind == _P:
        bits.unsigned()  # cabac_init_idc
    return kind, pps.quantiser + bits.signed()


def _skip_poc(bits: Bits, sps: Sps, pps: Pps) -> None:
    if sps.poc_type == 0:
        bits.fixed(sps.poc_bits)
        if pps.bottom_poc:
            bits.signed()
    elif sps.poc_type == 1 and not sps.poc_delta_always_zero:
        bits.signed()
        if pps.bottom_poc:
            bits.signed()


def _skip_references(bits: Bits, sps: Sps, pps: Pps) -> None:
    count = bits.unsigned() + 1 if bits.flag() else pps.references
    if bits.flag():  # ref_pic_list_modification_flag_l0
        while bits.unsigned() != 3:
            bits.unsigned()
    if not pps.weighted:
        return
    bits.unsigned()  # luma_log2_weight_denom
    if sps.chroma:
        bits.unsigned()
    for _ in range(count):
        for numbers in (2, 4) if sps.chroma else (2,):
            if bits.flag():
                for _ in range(numbers):
                    bits.signed()


def _skip_marking(bits: Bits, *, idr: bool) -> None:
    if idr:
        bits.fixed(2)
    elif bits.flag():  # adaptive_ref_pic_marking_mode_flag
        while operation := bits.unsigned():
            bits.unsigned()
            if operation == 3:
                bits.unsigned()
