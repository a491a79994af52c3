"""New H.264 pictures in the places of old ones: with their numbers, remembered as long. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from retake.media.bitstream.h264 import Sps
from retake.media.bitstream.headers import Operations
from retake.media.bitstream.placing import Place
from retake.media.bitstream.references import FORGET_ONE, Coded, Lists, References
from retake.media.bitstream.slices import Picture
from retake.media.packets import PacketInfo
from retake.media.pictures.avc_types import Group
from retake.media.unspliceable import Unspliceable


class Kind(Enum):
    """How a new picture is coded."""

    SECTION = "the take's, by the encoder"
    INTRA = "the source's, nearly as it was"
    RAW = "the source's, exactly"


@dataclass(frozen=True, slots=True)
class New:
    """A new picture: what it shows, how it is coded, where it stands."""

    pts: int
    kind: Kind
    place: Place


@dataclass(frozen=True, slots=True)
class Stream:
    """The pictures from the IDR picture before the cut to the one behind the section.

    Attributes:
        begin, end: Their half-open range.
        coded: Each by its number.
        orders: Their order counts by presentation time.
        lists: What their slices may refer to.
        kept: The numbers of the references that are kept behind each.
    """

    begin: int
    end: int
    coded: dict[int, Coded]
    orders: dict[int, int]
    lists: dict[int, list[Lists]]
    kept: dict[int, tuple[int, ...]]

    @staticmethod
    def read(
        packets: Sequence[PacketInfo],
        pictures: Sequence[Picture | None],
        sps: Sps,
        cut: int,
        last_pts: int,
    ) -> Stream:
        """Follow the source's pictures.

        Args:
            packets: The stream in decode order.
            pictures: The slice headers of every packet.
            sps: Its sequence parameter set.
            cut: The first packet that is replaced.
            last_pts: Time of the section's last frame.

        Raises:
            Unspliceable: They cannot be followed; the text says why.
        """
        starts = [number for number, packet in enumerate(packets) if packet.clean]
        begin = max((number for number in starts if number <= cut), default=-1)
        end = next((n for n in starts if packets[n].pts > last_pts), len(packets))
        if begin < 0:
            raise Unspliceable("it does not begin with a picture that stands alone")
        memory = References(sps)
        coded: dict[int, Coded] = {}
        orders: dict[int, int] = {}
        lists: dict[int, list[Lists]] = {}
        kept: dict[int, tuple[int, ...]] = {begin - 1: ()}
        for number in range(begin, end):
            picture = pictures[number]
            if picture is None or picture[0].idr != packets[number].clean:
                raise Unspliceable("a picture is not understood")
            if any(header.sps_id != sps.id for header in picture):
                raise Unspliceable("its sequence parameter sets change")
            coded[number] = Coded.of(number, picture)
            orders[packets[number].pts], lists[number] = memory.enter(coded[number])
            kept[number] = memory.numbers
        return Stream(begin, end, coded, orders, lists, kept)


def placed(groups: Sequence[Group], stream: Stream, sps: Sps, free: range) -> list[New]:
    """Return the pictures of the free places, numbered on from what precedes them."""
    found: list[New] = []
    for group in groups:
        forget = _Forgetting(group, stream, sps, free.stop if group is groups[-1] else None)
        number = stream.coded[group.first].frame_num
        for at, (pts, reference, section) in enumerate(group.decoded):
            if section and not reference and not forget.last_two:
                raise Unspliceable("it forgets references that new pictures need")
            place = Place(
                None if at else group.idr_pic_id,
                reference,
                number,
                stream.orders[pts] % (1 << sps.poc_bits) if sps.poc_type == 0 else 0,
                forget.at(number) if reference else (),
            )
            found.append(New(pts, Kind.SECTION if section else Kind.INTRA, place))
            number = (number + reference) % (1 << sps.frame_num_bits)
    return found


class _Forgetting:
    """Says what new references make a decoder forget, so that it ends up with the source's.

    The encoder's B-frames need the last two references, whatever the source keeps.

    Args:
        group: The new pictures.
        stream: The source's.
        sps: Its sequence parameter set.
        end: The end of the places whose pictures the group replaces; None if an IDR picture is
            there, before which nothing matters.
    """

    def __init__(self, group: Group, stream: Stream, sps: Sps, end: int | None) -> None:
        idr = group.idr_pic_id is not None
        self._kept = [] if idr else list(stream.kept[group.first - 1])
        replaced = range(group.first, group.first if end is None else end)
        self._wanted = [stream.kept[n] for n in replaced if stream.coded[n].reference]
        self._size, self._numbers = max(sps.references, 1), 1 << sps.frame_num_bits
        self._first = idr
        self._latest = self._kept[-2:]

    @property
    def last_two(self) -> bool:
        """Whether the two latest references are kept."""
        return self._kept[-2:] == self._latest

    def at(self, number: int) -> Operations:
        """Return what the next reference does, which has this number."""
        idr, self._first = self._first, False
        full = len(self._kept) == self._size
        slid = self._kept[1:] if full else self._kept
        left = slid
        if self._wanted:
            wanted = self._wanted.pop(0)
            last = self._kept[-1:] if len({*wanted, *self._kept[-1:]}) <= self._size else []
            left = [kept for kept in self._kept if kept in wanted or kept in last]
        gone = [kept for kept in self._kept if kept not in left]
        self._latest = [*self._latest[-1:], number]
        self._kept = [*left, number]
        if idr or left == slid:
            return ()
        return tuple((FORGET_ONE, (number - kept - 1) % self._numbers) for kept in gone)
