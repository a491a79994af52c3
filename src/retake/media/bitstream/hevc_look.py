"""A look at every packet of an HEVC stream: where it may be cut, what is in use, how fine it is."""

from __future__ import annotations

from collections.abc import Iterable

from retake.media.bitstream import hevc, sei
from retake.media.bitstream.hevc import HvcConfig
from retake.media.bitstream.hevc_ids import set_id
from retake.media.bitstream.hevc_sets import Pps, Sps, parse_pps, parse_sps
from retake.media.bitstream.hevc_slices import BIDIRECTIONAL, INTRA, PREDICTED, slice_quantiser
from retake.media.bitstream.nal import split_sized
from retake.media.unspliceable import Unspliceable


class HevcLook:
    """Looks at every packet of a stream once, on its way into the index.

    Attributes:
        length_size: Bytes of the length before every NAL unit.
        types: Type of each packet's first slice; -1 for a packet without one.
        unfit: Why the stream cannot be spliced, whatever else is in it; None where it can.
    """

    def __init__(self, config: HvcConfig) -> None:
        self.length_size = config.length_size
        self.types: list[int] = []
        self.unfit: str | None = None
        # Each with the number of the packet that it stands in; -1 for the container's own.
        self._sets: list[tuple[int, bytes]] = []
        self._lights: list[tuple[int, bytes]] = []
        self._spss: dict[int, Sps] = {}
        self._ppss: dict[int, Pps] = {}
        self._quantisers: dict[int, list[int]] = {
            BIDIRECTIONAL: [],
            PREDICTED: [],
            INTRA: [],
        }
        self._note(-1, config.nals(*hevc.SETS, hevc.PREFIX_SEI))

    @property
    def sets(self) -> list[bytes]:
        """Every parameter set of the container and of all packets."""
        return [nal for _, nal in self._sets]

    @property
    def quantisers(self) -> list[int]:
        """Quantisers at the start of the predicted pictures, or of the intra ones, or of all.

        B pictures say little: encoders spend less on them. Empty where none could be read.
        """
        kinds = (PREDICTED, INTRA, BIDIRECTIONAL)
        return next((found for kind in kinds if (found := self._quantisers[kind])), [])

    @property
    def adaptive(self) -> bool:
        """Whether blocks may have other quantisers than their slices tell."""
        return any(pps.adaptive for pps in self._ppss.values())

    @property
    def sps(self) -> Sps:
        """The sequence parameter set with the lowest id: decoders take it for the stream's own.

        Raises:
            Unspliceable: None is understood.
        """
        if not self._spss:
            raise Unspliceable("its parameter sets are not understood")
        return self._spss[min(self._spss)]

    def is_clean(self, data: bytes, *, key: bool) -> bool:
        """Return whether a packet is a random-access picture; keep what else it tells."""
        nals = list(split_sized(data, self.length_size))
        self._note(len(self.types), nals)
        first = next((nal for nal in nals if hevc.nal_type(nal) in hevc.SLICES), None)
        if first is not None:
            self._note_slice(first)
        self.types.append(-1 if first is None else hevc.nal_type(first))
        return key and self.types[-1] in hevc.IRAP

    def sets_at(self, packet: int) -> list[bytes]:
        """Return the parameter sets that hold when a packet is decoded: the last of each id."""
        held = {(hevc.nal_type(nal), set_id(nal)): nal for at, nal in self._sets if at <= packet}
        return sorted(held.values(), key=hevc.nal_type)

    def light_at(self, packet: int) -> tuple[bytes, ...]:
        """Return SEI units that say how bright pictures are meant, as they hold at a packet."""
        return sei.only((nal for at, nal in self._lights if at <= packet), sei.ABOUT_LIGHT)

    def _note(self, packet: int, nals: Iterable[bytes]) -> None:
        for nal in nals:
            if len(nal) < 2:
                raise Unspliceable("a packet is damaged")
            kind = hevc.nal_type(nal)
            if hevc.layer_of(nal):
                self.unfit = "it holds several layers, such as a second eye's"
            elif kind in hevc.DOLBY_VISION:
                self.unfit = "Dolby Vision's metadata describe each of its old pictures"
            elif kind in hevc.SETS:
                self._note_set(packet, nal)
            elif kind == hevc.PREFIX_SEI:
                self._note_sei(packet, nal)

    def _note_set(self, packet: int, nal: bytes) -> None:
        # Streams that repeat their sets at every keyframe say nothing new.
        if nal not in self.sets_at(packet):
            self._sets.append((packet, nal))
        try:
            if hevc.nal_type(nal) == hevc.SPS:
                sps = parse_sps(nal)
                self._spss[sps.id] = sps
            elif hevc.nal_type(nal) == hevc.PPS:
                pps = parse_pps(nal)
                self._ppss[pps.id] = pps
        except Unspliceable:
            # Ids are all that splicing has to know of every set.
            return

    def _note_sei(self, packet: int, nal: bytes) -> None:
        if sei.is_hdr10_plus(nal):
            self.unfit = "HDR10+ metadata describe each of its old pictures"
        if sei.only([nal], sei.ABOUT_LIGHT):
            self._lights.append((packet, nal))

    def _note_slice(self, nal: bytes) -> None:
        try:
            kind, quantiser = slice_quantiser(nal, self._spss, self._ppss)
        except (Unspliceable, KeyError):
            # Only the quality is estimated from this; a slice that cannot be read tells nothing.
            return
        if kind in self._quantisers:
            self._quantisers[kind].append(quantiser)
