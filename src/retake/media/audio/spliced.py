"""What splicing a track of sound comes to, before any container is written."""

from __future__ import annotations

from dataclasses import dataclass

from retake.media.packets import PacketInfo


@dataclass(frozen=True, slots=True)
class SplicedSound:
    """A track with new packets in the places of some of its own; every time stays as it is.

    Attributes:
        packets: The source's packets.
        first: Number of the first one replaced.
        data: The new packets' bytes, one for each replaced one, with its times and duration.
        generated: Samples of the section that the track holds.
        again: Samples outside the section that were encoded anew and are not the source's own.
        config: The decoder configuration that fits both, in the form of FFmpeg's extradata; None
            for the source's own.
        exact: Whether all samples outside the section decode to the source's own.
        parts: Where several sections were spliced: the packets of each, half-open; those between
            them are there with the source's own bytes. Empty for one section.
    """

    packets: tuple[PacketInfo, ...]
    first: int
    data: tuple[bytes, ...]
    generated: int
    again: int = 0
    config: bytes | None = None
    exact: bool = False
    parts: tuple[tuple[int, int], ...] = ()

    @property
    def new_packets(self) -> int:
        """How many packets are not the source's own."""
        parts = self.parts or (self.touched,)
        return sum(end - start for start, end in parts)

    @property
    def touched(self) -> tuple[int, int]:
        """Half-open range of the packets that are not the source's own."""
        return self.first, self.first + len(self.data)

    def replaced(self) -> dict[int, bytes]:
        """Return the new packets' bytes by the number of the packet in whose place they come."""
        return dict(enumerate(self.data, self.first))
