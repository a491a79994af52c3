"""Which packets are copied and which frames are encoded: the plan of a smart render. Pure.

A stream of n packets in decode order becomes

    copied [0, cut) · encoded, as many as before · copied [resume, n)

The encoded run holds the section's frames and, around them, the *pads*: frames outside the
section whose packets cannot stay because they lean on packets that go. Some of those may follow
the packet at which copying resumes: the pictures that lead it, shown before it and decoded after
it (RASL and RADL pictures of HEVC). They are encoded with the run, and the copied packets close up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from retake.media.packets import PacketInfo


@dataclass(frozen=True, slots=True)
class Span:
    """Frames that one pass of the decoder yields.

    Attributes:
        first, last: Half-open range of packets to feed, in decode order.
        pts: Presentation times of the frames wanted from it, ascending.
    """

    first: int
    last: int
    pts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens to the packets of a video stream.

    Attributes:
        count: Packets of the stream.
        cut: Packets before this one, in decode order, are copied.
        resume: Packets from this one on are copied, but for those in `late`.
        region: Presentation times of all frames encoded anew, ascending.
        section: The times among them whose frames are the take's.
        pads: Decoder passes that yield the other frames of the region.
        late: Packets behind `resume` whose frames are in the region, ascending.
    """

    count: int
    cut: int
    resume: int
    region: tuple[int, ...]
    section: frozenset[int]
    pads: tuple[Span, ...]
    late: tuple[int, ...] = ()

    @property
    def tail(self) -> tuple[int, ...]:
        """Packets copied behind the encoded run, in decode order."""
        late = set(self.late)
        return tuple(number for number in range(self.resume, self.count) if number not in late)

    @property
    def copied(self) -> int:
        """Packets that stay as they are."""
        return self.count - len(self.region)


def plan_smart(
    packets: Sequence[PacketInfo],
    section_pts: Sequence[int],
    leading: Mapping[int, bool] | None = None,
) -> Plan:
    """Return the plan that keeps the most packets.

    Args:
        packets: The stream in decode order; `clean` marks points from which all but `leading`
            pictures can be decoded.
        section_pts: Presentation times of the section's frames, ascending, at least one; with
            gaps between them where several sections are exchanged at once.
        leading: Numbers of the packets that follow a clean one and are shown before it, needed
            by nothing but each other; True for those that lean on what stands before it.
    """
    start, end = section_pts[0], _next_pts(packets, section_pts[-1])
    cut = _cut(packets, start)
    resume, late = _resume(packets, cut, end, leading or {})
    return _plan(packets, section_pts, cut, resume, late)


def plan_full(packets: Sequence[PacketInfo], section_pts: Sequence[int]) -> Plan:
    """Return the plan that encodes every frame anew, each in the slot that it had."""
    return _plan(packets, section_pts, 0, len(packets), ())


def _next_pts(packets: Sequence[PacketInfo], pts: int) -> int | None:
    return min((p.pts for p in packets if p.pts > pts), default=None)


def _cut(packets: Sequence[PacketInfo], start: int) -> int:
    # The copied head has to be complete in display order: everything in it is shown before the
    # section and before everything that follows it. That may well be in the middle of a GOP.
    earliest = _earliest_from(packets)
    cut, latest = 0, packets[0].pts
    for index, packet in enumerate(packets):
        latest = max(latest, packet.pts)
        if latest >= start:
            break
        if latest < earliest[index + 1]:
            cut = index + 1
    return cut


def _resume(
    packets: Sequence[PacketInfo], cut: int, end: int | None, leading: Mapping[int, bool]
) -> tuple[int, tuple[int, ...]]:
    """Return where copying goes on, and which packets behind that are encoded all the same."""
    if end is None:
        return len(packets), ()
    earliest = _earliest_from(packets)
    latest = max((p.pts for p in packets[:cut]), default=earliest[0] - 1)
    for index in range(cut, len(packets)):
        packet = packets[index]
        # No picture of the copied tail may be shown before the encoded run has ended.
        if packet.clean and packet.pts >= end and packet.pts > latest:
            leads = tuple(at for at in range(index, len(packets)) if packets[at].pts < packet.pts)
            # True as well for a picture that is not known to be needed by nothing else.
            if not any(leading.get(at, True) for at in leads) and earliest[index] > max(
                latest, end - 1
            ):
                return index, ()
            if all(at in leading for at in leads):
                return index, leads
        latest = max(latest, packet.pts)
    return len(packets), ()


def _earliest_from(packets: Sequence[PacketInfo]) -> list[int]:
    # [i] is the first time at which anything of packets[i:] is shown; the last entry is later
    # than everything.
    earliest = [max(p.pts for p in packets) + 1] * (len(packets) + 1)
    for index in range(len(packets) - 1, -1, -1):
        earliest[index] = min(packets[index].pts, earliest[index + 1])
    return earliest


def _plan(
    packets: Sequence[PacketInfo],
    section_pts: Sequence[int],
    cut: int,
    resume: int,
    late: tuple[int, ...],
) -> Plan:
    region = tuple(sorted(packets[at].pts for at in (*range(cut, resume), *late)))
    section = frozenset(section_pts)
    if not section <= set(region):
        raise ValueError("the section's frames are not those of the stream")
    stretches = [tuple(run) for new, run in groupby(region, section.__contains__) if not new]
    return Plan(
        count=len(packets),
        cut=cut,
        resume=resume,
        region=region,
        section=section,
        pads=tuple(_pad(packets, wanted) for wanted in stretches),
        late=late,
    )


def _pad(packets: Sequence[PacketInfo], wanted: tuple[int, ...]) -> Span:
    # Every frame shown at or after a clean packet is decoded after it, too.
    starts = (i for i, p in enumerate(packets) if p.clean and p.pts <= wanted[0])
    first = max(starts, default=0)
    times = set(wanted)
    last = max(i for i, p in enumerate(packets) if p.pts in times)
    return Span(first, last + 1, wanted)
