"""Comparing two files packet by packet: bytes and times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from retake.core.report import Check
from retake.media.proof.reading import Packet, StreamRead

Range = tuple[int, int]
"""Packets by number, half-open."""


@dataclass(frozen=True, slots=True)
class Both:
    """One stream in the source and in the output.

    Attributes:
        name: What the stream is called in the checks.
        before: The source's.
        after: The output's.
        shift: Seconds that the output's clock is ahead of the source's.
        coarse: Seconds by which two containers' clocks may round the same moment differently.
        decoding: Whether both containers store the times of decoding.
    """

    name: str
    before: StreamRead
    after: StreamRead
    shift: Fraction
    coarse: Fraction
    decoding: bool

    def alike(self, ours: int | None, theirs: int | None) -> bool:
        """Return whether two times of the output and the source are the same moment."""
        if ours is None or theirs is None:
            return ours is theirs
        late = ours * self.after.time_base - theirs * self.before.time_base - self.shift
        return abs(late) <= self.coarse

    def in_time(self, at: int) -> bool:
        """Return whether packet `at` of both is decoded and shown at the same moments."""
        ours, theirs = self.after.packets[at], self.before.packets[at]
        return self.alike(ours.pts, theirs.pts) and (
            not self.decoding or self.alike(ours.dts, theirs.dts)
        )


def check_copied(both: Both) -> Check:
    """Return whether every packet is the source's own, at its own time."""
    before, after = both.before.packets, both.after.packets
    own = sum(a.digest == b.digest for a, b in zip(before, after, strict=False))
    detail = f"{own} of {len(before)} packets are the source's own"
    if not own == len(before) == len(after):
        return Check(f"{both.name} packets", passed=False, detail=detail)
    late = sum(not both.in_time(at) for at in range(len(before)))
    if late:
        detail = f"{detail}; the times of {late} differ"
    return Check(f"{both.name} packets", not late, detail)


def check_spliced(both: Both, touched: Sequence[Range]) -> Iterator[Check]:
    """Yield whether all packets but `touched` are the source's own, and all times are.

    Args:
        both: The stream.
        touched: Ranges of packets that may differ, half-open, in decode order.
    """
    before, after = both.before.packets, both.after.packets
    count = min(len(before), len(after))
    new = {at for start, end in touched for at in range(start, end)}
    outside = [at for at in range(len(before)) if at not in new]
    own = sum(at < count and before[at].digest == after[at].digest for at in outside)
    yield Check(
        f"{both.name} packets outside",
        own == len(outside) and len(before) == len(after),
        f"{own} of {len(outside)} packets outside are the source's own, byte for byte",
    )
    alike = len(before) == len(after) and _same_times(both, outside)
    yield Check(
        f"{both.name} packet times",
        alike,
        "all pts and dts are the source's" if alike else "pts or dts differ from the source's",
    )


def _same_times(both: Both, outside: list[int]) -> bool:
    before, after = both.before.packets, both.after.packets
    if not all(both.in_time(at) for at in outside):
        return False
    if both.decoding and not all(
        both.alike(b.dts, a.dts) for a, b in zip(before, after, strict=True)
    ):
        return False
    # Within the touched packets the order of display may differ, the moments may not.
    shown = zip(_shown(before), _shown(after), strict=True)
    return all(both.alike(ours, theirs) for theirs, ours in shown)


def check_others(before: dict[int, StreamRead], after: dict[int, StreamRead]) -> Check:
    """Return whether streams beside pictures and sound hold the same packets, where both have them.

    Args:
        before: The source's streams that are neither the pictures edited nor sound.
        after: The output's.
    """
    kinds = sorted({stream.kind for stream in before.values()})
    differing: list[str] = []
    for kind in kinds:
        theirs = [s for s in before.values() if s.kind == kind]
        ours = [s for s in after.values() if s.kind == kind]
        for number, (a, b) in enumerate(zip(theirs, ours, strict=False), start=1):
            if [p.digest for p in a.packets] != [p.digest for p in b.packets]:
                differing.append(f"{kind} {number}")
    told = ", ".join(differing)
    return Check(
        "other streams",
        not differing,
        f"the content of {told} differs" if told else f"{len(before)} beside pictures and sound",
    )


def _shown(packets: list[Packet]) -> list[int]:
    return sorted(packet.pts for packet in packets)
