"""Giving coded H.264 pictures another place in a stream: new slice headers before the same data.

Syntax: ITU-T H.264 (08/2021), 7.3.2.2 (PPS), 7.3.3 (slice header), 7.3.4 (slice data).
"""

from __future__ import annotations

from dataclasses import dataclass

from retake.media.bitstream.h264 import Sps, parse_pps, parse_sps
from retake.media.bitstream.headers import Operations, parse_slice
from retake.media.bitstream.nal import (
    H264_IDR,
    H264_PPS,
    H264_SLICES,
    H264_SPS,
    Bits,
    escape,
    split_annexb,
    unescape,
)
from retake.media.bitstream.writing import BitString

_OTHER = 1
_REFERENCE_IDC = 2


@dataclass(frozen=True, slots=True)
class Place:
    """Where a picture stands among the others, as its slices tell it.

    Attributes:
        idr_pic_id: None for a picture that is no IDR picture.
        reference: Whether other pictures may refer to it.
        poc_lsb: The last bits of its order count; 0 where that is not written.
        marking: What becomes of older references; see `headers.SliceHeader`.
    """

    idr_pic_id: int | None
    reference: bool
    frame_num: int
    poc_lsb: int
    marking: Operations = ()

    def begin(self, sps: Sps, first_mb: int, kind: int, pps_id: int) -> BitString:
        """Return a slice's first bits, the NAL unit's header among them.

        The picture parameter set must not announce `bottom_poc` or `redundant`.
        """
        idr = self.idr_pic_id is not None
        bits = BitString().fixed(_REFERENCE_IDC if self.reference else 0, 3)
        bits.fixed(H264_IDR if idr else _OTHER, 5)
        bits.unsigned(first_mb).unsigned(kind).unsigned(pps_id)
        bits.fixed(self.frame_num, sps.frame_num_bits)
        if self.idr_pic_id is not None:
            bits.unsigned(self.idr_pic_id)
        if sps.poc_type == 0:
            bits.fixed(self.poc_lsb, sps.poc_bits)
        return bits

    def mark(self, bits: BitString) -> None:
        """Append what becomes of older references."""
        if not self.reference:
            return
        if self.idr_pic_id is not None:
            bits.fixed(0, 2)
            return
        bits.fixed(int(bool(self.marking)), 1)
        for operation in self.marking:
            for number in operation:
                bits.unsigned(number)
        if self.marking:
            bits.unsigned(0)


class Mover:
    """Moves one encoder's pictures into a stream that has another sequence parameter set.

    Args:
        extradata: The encoder's parameter sets, as a byte stream.
        sps: The stream's set, which has to agree on all that macroblocks depend on.
        pps_id: Id for the encoder's picture parameter set in the stream.

    Attributes:
        pps: That set, for the stream's decoder configuration.
    """

    def __init__(self, extradata: bytes, sps: Sps, pps_id: int) -> None:
        self._sps, self._pps_id = sps, pps_id
        sets = list(split_annexb(extradata))
        own_sps = parse_sps(next(nal for nal in sets if nal[0] & 31 == H264_SPS))
        stored = next(nal for nal in sets if nal[0] & 31 == H264_PPS)
        own_pps = parse_pps(stored)
        self._spss, self._ppss = {own_sps.id: own_sps}, {own_pps.id: own_pps}
        self._cabac = own_pps.cabac
        self.pps = self._renamed(stored)

    def moved(self, packet: bytes, place: Place) -> list[bytes]:
        """Return the slices of an encoder's packet as NAL units of the stream.

        Raises:
            Unspliceable: A slice is not understood.
        """
        slices = (nal for nal in split_annexb(packet) if nal[0] & 31 in H264_SLICES)
        return [self._moved(nal, place) for nal in slices]

    def _moved(self, nal: bytes, place: Place) -> bytes:
        header, data = parse_slice(nal, self._spss, self._ppss), unescape(nal)
        bits = place.begin(self._sps, header.first_mb, header.kind, self._pps_id)
        bits.bits_of(data, header.rest[0], header.marked[0])
        place.mark(bits)
        bits.bits_of(data, header.marked[1], header.rest[1])
        if self._cabac:
            # The data begins with a whole byte, wherever the header ends.
            return escape(bits.aligned(1) + data[-(-header.rest[1] // 8) :])
        return escape(bits.bits_of(data, header.rest[1], _stop(data)).ended())

    def _renamed(self, stored: bytes) -> bytes:
        data = unescape(stored)
        old = Bits(data)
        old.fixed(8)
        old.unsigned()
        old.unsigned()
        bits = BitString().fixed(data[0], 8).unsigned(self._pps_id).unsigned(self._sps.id)
        return escape(bits.bits_of(data, 8 * len(data) - old.left, _stop(data)).ended())


def _stop(data: bytes) -> int:
    """Return the position of rbsp_stop_one_bit, the last bit that is set."""
    last = data.rstrip(b"\0")
    return 8 * len(last) - (last[-1] & -last[-1]).bit_length()
