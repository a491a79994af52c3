"""What the slices of an H.264 stream tell: where it may be cut, and how finely it is quantised."""

from __future__ import annotations

from retake.media.bitstream.h264 import parse_pps, parse_sps
from retake.media.bitstream.headers import B, I, P, SliceHeader, parse_slice
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

Picture = tuple[SliceHeader, ...]
"""The headers of a picture's slices, in their order."""


class StreamLook:
    """Looks at every packet of an H.264 stream in MP4 once, on its way into the index.

    Attributes:
        length_size: Bytes of the length before every NAL unit.
        sps, pps: The parameter sets of the container, by id.
        used: Every parameter set id in the container or in a keyframe's packet.
        pictures: The slice headers of every packet seen; None where they cannot be read.
        settled: Whether no packet brings parameter sets that the container does not hold.
    """

    def __init__(self, config: AvcConfig) -> None:
        self.length_size = config.length_size
        self.sps = {sps.id: sps for sps in map(parse_sps, config.sps)}
        self.pps = {pps.id: pps for pps in map(parse_pps, config.pps)}
        self.used = set(self.sps) | set(self.pps)
        self.pictures: list[Picture | None] = []
        self.settled = True
        self._sets = frozenset({*config.sps, *config.pps})

    @property
    def quantisers(self) -> list[int]:
        """Quantisers at the start of the predicted pictures, or of the intra ones.

        B pictures say little: encoders spend less on them. Empty where none could be read.
        """
        found: dict[int, list[int]] = {P: [], B: [], I: []}
        for picture in filter(None, self.pictures):
            found[picture[0].kind].append(picture[0].quantiser)
        return found[P] or found[I]

    def is_clean(self, data: bytes, *, key: bool) -> bool:
        """Return whether a packet is an IDR picture; keep what else it tells."""
        slices: list[bytes] = []
        for nal in split_sized(data, self.length_size):
            kind = nal[0] & 31
            if kind in H264_SLICES:
                slices.append(nal)
            elif kind in {H264_SPS, H264_PPS}:
                self._note_set(nal, kind)
        picture = self._read(slices)
        self.pictures.append(picture)
        return key and bool(slices) and slices[0][0] & 31 == H264_IDR

    def _note_set(self, nal: bytes, kind: int) -> None:
        self.used.add(parse_sps(nal).id if kind == H264_SPS else Bits(unescape(nal)[1:]).unsigned())
        self.settled &= nal in self._sets

    def _read(self, slices: list[bytes]) -> Picture | None:
        try:
            return tuple(parse_slice(nal, self.sps, self.pps) for nal in slices) or None
        except (Unspliceable, KeyError):
            # Such a picture is copied, or encoded anew, as long as nothing has to lean on it.
            return None
