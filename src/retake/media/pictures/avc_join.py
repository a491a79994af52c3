"""Where new H.264 pictures go so that the stream runs on behind them as if nothing had happened.

The new pictures are coded under the source's own sequence parameter set, as many references among
them as there were, with the numbers that the source's pictures had in their places. A decoder then
knows the same references by the same names, and every later packet can stay, byte by byte, whose
pictures refer to nothing that is new. Where they do refer to frames behind the section, those are
put in as raw samples: exact, and big. Pure.

    copied [0, cut) · new, in the encoder's order [cut, free) · each in its own place [free, …)
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from retake.media.bitstream.h264 import Sps
from retake.media.bitstream.placing import Place
from retake.media.bitstream.references import Coded, Lists, References
from retake.media.bitstream.slices import Picture
from retake.media.packets import PacketInfo
from retake.media.pictures.avc_places import Kind, New, Stream, placed
from retake.media.pictures.avc_types import arranged
from retake.media.unspliceable import Unspliceable

_REACH = 64
"""Packets behind the section among which the exact tail has to begin."""


@dataclass(frozen=True, slots=True)
class Join:
    """A stream with new pictures in it.

    Attributes:
        cut: Places before this one hold what they held.
        order: What stands in the places from there on, up to the last new one: the number of a
            packet, which is its own, or a new picture.
        runs: The section's frames in display order, each with whether it may be referred to; the
            encoder begins each run with a picture that stands alone.
    """

    cut: int
    order: tuple[int | New, ...]
    runs: tuple[tuple[tuple[int, bool], ...], ...]

    def count(self, kind: Kind) -> int:
        """Return how many new pictures are of a kind."""
        return sum(isinstance(what, New) and what.kind is kind for what in self.order)


def plan_join(
    packets: Sequence[PacketInfo],
    pictures: Sequence[Picture | None],
    sps: Sps,
    section_pts: Sequence[int],
    cut: int,
    costs: Mapping[Kind, float],
) -> Join:
    """Return the cheapest way to join new pictures to packets that stay.

    Args:
        packets: The stream in decode order.
        pictures: The slice headers of every packet.
        sps: Its sequence parameter set.
        section_pts: Times of the section's frames, ascending.
        cut: Packets before this one are complete without the others.
        costs: About how many bytes a picture of each kind takes.

    Raises:
        Unspliceable: There is no such way; the text says why.
    """
    stream = Stream.read(packets, pictures, sps, cut, max(section_pts))
    shown = {packet.pts: number for number, packet in enumerate(packets)}
    free = max(shown[pts] for pts in section_pts) + 1
    if free >= stream.end:
        raise Unspliceable("nothing behind the section leans on it")
    groups = arranged(packets, stream.coded, sps, section_pts, range(cut, free))
    head = placed(groups, stream, sps, range(cut, free))
    lists = _replayed(stream, sps, cut, free, head)
    fates = _cheapest(stream, lists, range(cut, free), costs)
    last = max((number for number, fate in fates.items() if fate is not None), default=free - 1)
    tail: list[int | New] = []
    for number in range(free, last + 1):
        fate = fates[number]
        tail.append(
            number
            if fate is None
            else New(packets[number].pts, fate, _own_place(stream.coded[number], sps))
        )
    runs = tuple(group.section for group in groups if group.section)
    return Join(cut, (*head, *tail), runs)


def _own_place(coded: Coded, sps: Sps) -> Place:
    lsb = coded.poc_lsb if sps.poc_type == 0 else 0
    return Place(None, coded.reference, coded.frame_num, lsb, coded.marking)


def _replayed(
    stream: Stream, sps: Sps, cut: int, free: int, head: Sequence[New]
) -> dict[int, list[Lists]]:
    """Return what the slices behind the free places may refer to in the new stream.

    New pictures are called -1, -2, and so on.
    """
    memory = References(sps)
    for number in range(stream.begin, cut):
        memory.enter(stream.coded[number])
    for name, new in enumerate(head, start=1):
        place = new.place
        memory.enter(
            Coded(
                name=-name,
                idr_pic_id=place.idr_pic_id,
                reference=place.reference,
                frame_num=place.frame_num,
                poc_lsb=place.poc_lsb,
                poc_delta=0,
                marking=place.marking,
            )
        )
    return {number: memory.enter(stream.coded[number])[1] for number in range(free, stream.end)}


def _cheapest(
    stream: Stream,
    lists: Mapping[int, list[Lists]],
    free: range,
    costs: Mapping[Kind, float],
) -> dict[int, Kind | None]:
    """Return how each picture behind the free places is coded; None for those that stay."""
    needed: dict[int, set[int]] = {stream.end: set()}
    for number in range(stream.end - 1, free.stop - 1, -1):
        named = {name for pair in stream.lists[number] for one in pair for name in one}
        needed[number] = needed[number + 1] | named
    best: dict[int, Kind | None] | None = None
    least = float("inf")
    for tail in range(free.stop, min(free.stop + _REACH, stream.end)):
        raw = {name for name in needed[tail] if free.start <= name < tail}
        if any(name in free for name in raw):
            continue
        fates = _fates(stream, lists, free, raw)
        if any(fates[number] is not None for number in range(tail, stream.end)):
            continue
        cost = sum(costs[fate] for fate in fates.values() if fate is not None)
        if cost < least:
            best, least = fates, cost
    if best is None:
        raise Unspliceable("what follows leans on the section up to the next keyframe")
    return best


def _fates(
    stream: Stream, lists: Mapping[int, list[Lists]], free: range, raw: Collection[int]
) -> dict[int, Kind | None]:
    fates: dict[int, Kind | None] = {}
    for number in range(free.stop, stream.end):
        stays = lists[number] == stream.lists[number] and all(
            _exact(name, free, fates) for pair in lists[number] for one in pair for name in one
        )
        # B slices ask the first picture of their second list for its motion, too, which pictures
        # without any cannot tell.
        stays = stays and all(
            name < free.start or (name >= free.stop and fates[name] is None)
            for _, second in lists[number]
            for name in second[:1]
        )
        fates[number] = None if stays else Kind.RAW if number in raw else Kind.INTRA
    return fates


def _exact(name: int, free: range, fates: Mapping[int, Kind | None]) -> bool:
    if 0 <= name < free.start:
        return True
    return name >= free.stop and fates[name] is not Kind.INTRA
