"""What splicing a stream of pictures comes to, before any container is written."""

from __future__ import annotations

from dataclasses import dataclass

from retake.media.packets import PacketInfo
from retake.media.pictures.encode import Encoded
from retake.media.pictures.spans import Plan


@dataclass(frozen=True, slots=True)
class Spliced:
    """A stream of pictures with new packets between its own.

    Attributes:
        packets: The source's packets, in decode order.
        plan: Which of them were copied and which frames were encoded.
        order: What stands in each place of the new stream, in decode order: the number of a
            source's packet, copied byte for byte, or a new one, whose bytes lie in the task's
            spool. As many places as packets; place k keeps the decoding time of packet k, and
            every packet its own presentation time.
        config: The decoder configuration that fits both (see `Task.config`); None for the
            source's own.
        exact_pads: Whether the re-encoded frames outside the section decode to the very same
            samples as the source's.
        parts: Where several sections were spliced: the places of each, all others between them
            hold what they held. Empty for one section.
    """

    packets: tuple[PacketInfo, ...]
    plan: Plan
    order: tuple[int | Encoded, ...]
    config: bytes | None = None
    exact_pads: bool = False
    parts: tuple[tuple[int, int], ...] = ()

    @property
    def touched(self) -> tuple[int, int] | None:
        """Half-open range of the places whose packet is not the source's own in that place."""
        new = [place for place, what in enumerate(self.order) if what != place]
        return (new[0], new[-1] + 1) if new else None
