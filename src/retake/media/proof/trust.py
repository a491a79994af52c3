"""Which pictures are known to be the same without decoding: packets that lean on equal ones. Pure.

A packet that is the source's own shows the source's picture only if everything that it leans on is
the source's own as well. That is so from the file's beginning up to the first difference, and again
behind every keyframe from which on all packets are the source's own, except for pictures that are
shown before it. Whether such a keyframe really lets nothing through is then looked at: the
pictures behind it are decoded all the same, for a margin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from retake.media.proof.reading import Packet


@dataclass(frozen=True, slots=True)
class Stretch:
    """A run of the output's packets that is the source's own, in the source's order.

    Attributes:
        first: Number of its first packet, in decode order.
        last: One past its last packet.
        starts_file: Whether nothing at all comes before it in either file.
    """

    first: int
    last: int
    starts_file: bool


def stretches(
    before: Sequence[Packet], after: Sequence[Packet], partner: dict[int, int]
) -> list[Stretch]:
    """Return the runs of packets that lean on nothing but packets that are the same in both files.

    Args:
        before: The source's packets, in decode order.
        after: The output's.
        partner: Number of the source's packet that each of the output's is paired with.
    """
    found: list[Stretch] = []
    at = 0
    while at < len(after):
        start = 0 if at == 0 else partner.get(at, -1)
        same = 0 <= start < len(before) and before[start].digest == after[at].digest
        if not same or (at and not after[at].key):
            at += 1
            continue
        last = at
        while (
            last < len(after)
            and start + last - at < len(before)
            and before[start + last - at].digest == after[last].digest
        ):
            last += 1
        found.append(Stretch(at, last, starts_file=not at))
        at = last
    return found


def shown_in(stretch: Stretch, after: Sequence[Packet]) -> list[int]:
    """Return the times of the pictures that a stretch settles, ascending.

    Behind the file's beginning those are all; elsewhere only those shown from its keyframe on.
    """
    packets = after[stretch.first : stretch.last]
    least = min(p.pts for p in packets) if stretch.starts_file else packets[0].pts
    return sorted(p.pts for p in packets if p.pts >= least and not p.hidden)
