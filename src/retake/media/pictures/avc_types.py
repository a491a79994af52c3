"""Which new H.264 pictures others may refer to: as many as in the source. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from retake.media.bitstream.h264 import Sps
from retake.media.bitstream.headers import B
from retake.media.bitstream.references import Coded
from retake.media.packets import PacketInfo
from retake.media.unspliceable import Unspliceable

MAX_B_FRAMES = 16
"""Most B-frames in a row that x264 makes."""

_BASELINE = 66


@dataclass(frozen=True, slots=True)
class Group:
    """New pictures from one IDR picture of the source, or from the cut, to the next.

    Attributes:
        first: The packet in whose place the first one stands.
        idr_pic_id: The source's, if that is an IDR picture; else None.
        section: The section's frames in display order, each with whether others may refer to it.
        decoded: All of them in decode order: time, whether others may refer to it, whether it is
            the section's.
    """

    first: int
    idr_pic_id: int | None
    section: tuple[tuple[int, bool], ...]
    decoded: tuple[tuple[int, bool, bool], ...]


def arranged(
    packets: Sequence[PacketInfo],
    coded: Mapping[int, Coded],
    sps: Sps,
    section_pts: Sequence[int],
    free: range,
) -> tuple[Group, ...]:
    """Return what goes into the free places, so that the numbers behind them are right.

    Args:
        packets: The stream in decode order.
        coded: Its pictures by number.
        sps: Its sequence parameter set.
        section_pts: Times of the section's frames.
        free: The places.

    Raises:
        Unspliceable: The numbers do not come out.
    """
    starts = [free.start, *(n for n in free if coded[n].idr_pic_id is not None and n > free.start)]
    groups: list[Group] = []
    for first, last in zip(starts, [*starts[1:], free.stop], strict=True):
        numbers = {packets[number].pts: number for number in range(first, last)}
        # Nothing before an IDR picture has to be numbered for what comes behind it.
        needed = sum(coded[n].reference for n in range(first, last)) if last == free.stop else None
        groups.append(_group(first, numbers, coded, sps, set(section_pts), needed))
    return tuple(groups)


def _group(
    first: int,
    numbers: Mapping[int, int],
    coded: Mapping[int, Coded],
    sps: Sps,
    wanted: set[int],
    needed: int | None,
) -> Group:
    shown = sorted(numbers)
    section = [pts for pts in shown if pts in wanted]
    if not section:
        raise Unspliceable("a keyframe is not where it is shown")
    before = [pts for pts in shown if pts < section[0]]
    behind = [pts for pts in shown if pts > section[-1]]
    referred = [coded[numbers[pts]].reference for pts in section]
    referred[0] = referred[-1] = True
    # What others may refer to comes from the pads only where the section has too few.
    least = int(coded[first].idr_pic_id is not None and bool(before))
    count, pads = sum(referred) if _may_skip(coded, sps) else len(section), least
    if needed is not None:
        pads = min(max(needed - count, least), len(before) + len(behind))
        count = needed - pads
    kinds = spread(referred, count, longest=MAX_B_FRAMES if _may_skip(coded, sps) else 0)
    first_ones = [*before[:least], *behind[::-1], *before[:least:-1], *before[least : least + 1]]
    marked = set(first_ones[:pads])
    if sps.poc_type == 2 and not (all(kinds) and len(marked) == len(before) + len(behind)):
        raise Unspliceable("its pictures are numbered in an unusual way")
    run = tuple(zip(section, kinds, strict=True))
    decoded = (
        *((pts, pts in marked, False) for pts in before),
        *((pts, reference, True) for pts, reference in in_decode_order(run)),
        *((pts, pts in marked, False) for pts in behind),
    )
    return Group(first, coded[first].idr_pic_id, run, decoded)


def _may_skip(coded: Mapping[int, Coded], sps: Sps) -> bool:
    """Return whether some pictures may be ones that no other refers to: B-frames."""
    if sps.references < 2 or sps.poc_type == 2 or not sps.direct_8x8:
        return False
    return sps.profile_idc != _BASELINE and any(B in c.kinds for c in coded.values())


def spread(referred: Sequence[bool], count: int, *, longest: int) -> tuple[bool, ...]:
    """Return which of some pictures in a row others may refer to: `count` of them.

    Args:
        referred: Which they are by preference, the first and the last among them.
        count: How many they have to be.
        longest: Most pictures in a row that are none.

    Raises:
        Unspliceable: That many cannot be.
    """
    kinds = list(referred)
    inner = range(1, len(kinds) - 1)
    for at in (*inner[::2], *inner[1::2]):
        missing = count - sum(kinds)
        if missing and kinds[at] != (missing > 0):
            kinds[at] = missing > 0
    rows = "".join("x" if kind else " " for kind in kinds).split("x")
    if sum(kinds) != count or max(map(len, rows)) > longest:
        raise Unspliceable("the references behind the section cannot be numbered as they were")
    return tuple(kinds)


def in_decode_order(shown: Sequence[tuple[int, bool]]) -> list[tuple[int, bool]]:
    """Return pictures in the order in which x264 codes them: B-frames behind what follows them."""
    decoded: list[tuple[int, bool]] = []
    waiting: list[tuple[int, bool]] = []
    for picture in shown:
        if picture[1]:
            decoded += [picture, *waiting]
            waiting = []
        else:
            waiting.append(picture)
    return decoded + waiting
