"""Which unit of one stream belongs to which unit of another: by content first, then by time. Pure.

Both streams are sequences of digests. What is common at the front and at the back is paired at
once; between, digests that occur once on either side are anchors (the longest run of them that is
in order in both, as in a patience diff); what lies between two anchors is paired one to one where
both sides have as many, and by time where they have not.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise

Pair = tuple[int | None, int | None]
"""Numbers of a unit in the source and in the output; None where one of them has no such unit."""


def align(
    before: Sequence[bytes | None],
    after: Sequence[bytes | None],
    before_at: Sequence[Fraction],
    after_at: Sequence[Fraction],
) -> list[Pair]:
    """Return every unit of both streams, paired, in order.

    Args:
        before: The source's digests, in display order; None for a unit that has none.
        after: The output's.
        before_at: When each unit of the source is shown.
        after_at: The same for the output.
    """
    front = _common(before, after)
    back = _common(before[front:][::-1], after[front:][::-1])
    pairs: list[Pair] = [(number, number) for number in range(front)]
    ends = len(before) - back, len(after) - back
    left, right = front, front
    for a, b in [*_anchors(before, after, front, ends), ends]:
        pairs += _between(before_at, after_at, (left, a), (right, b))
        if (a, b) != ends:
            pairs.append((a, b))
        left, right = a + 1, b + 1
    pairs += [(ends[0] + step, ends[1] + step) for step in range(back)]
    return pairs


def _common(before: Sequence[bytes | None], after: Sequence[bytes | None]) -> int:
    count = 0
    for a, b in zip(before, after, strict=False):
        if a is None or a != b:
            break
        count += 1
    return count


def _anchors(
    before: Sequence[bytes | None],
    after: Sequence[bytes | None],
    front: int,
    ends: tuple[int, int],
) -> list[tuple[int, int]]:
    """Return pairs of equal digests between the common ends, ascending on both sides."""
    inner, other = before[front : ends[0]], after[front : ends[1]]
    ours, theirs = Counter(inner), Counter(other)
    places = {digest: front + at for at, digest in enumerate(other) if theirs[digest] == 1}
    found = [
        (front + at, places[digest])
        for at, digest in enumerate(inner)
        if digest is not None and ours[digest] == 1 and digest in places
    ]
    anchors = set(_longest_ascending(found))
    # Around an anchor, equal digests belong together even if they occur elsewhere, too.
    for step in (1, -1):
        for a, b in sorted(anchors, reverse=step < 0):
            at, to = a + step, b + step
            while (
                front <= at < ends[0]
                and front <= to < ends[1]
                and before[at] is not None
                and before[at] == after[to]
                and (at, to) not in anchors
            ):
                anchors.add((at, to))
                at, to = at + step, to + step
    return _longest_ascending(sorted(anchors, key=lambda pair: (pair[0], -pair[1])))


def _longest_ascending(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the longest run of pairs that ascends on both sides.

    The first sides do already; pairs that share one come with descending second sides.
    """
    tails: list[int] = []
    tops: list[int] = []
    previous: list[int] = [-1] * len(pairs)
    for at, (_, right) in enumerate(pairs):
        place = bisect_left(tops, right)
        previous[at] = tails[place - 1] if place else -1
        if place == len(tails):
            tails.append(at)
            tops.append(right)
        else:
            tails[place], tops[place] = at, right
    chain: list[tuple[int, int]] = []
    at = tails[-1] if tails else -1
    while at >= 0:
        chain.append(pairs[at])
        at = previous[at]
    return chain[::-1]


def _between(
    before_at: Sequence[Fraction],
    after_at: Sequence[Fraction],
    ours: tuple[int, int],
    theirs: tuple[int, int],
) -> Iterator[Pair]:
    """Pair what lies between two anchors."""
    left, right = range(*ours), range(*theirs)
    if len(left) == len(right):
        yield from zip(left, right, strict=True)
        return
    if not left or not right:
        yield from ((a, None) for a in left)
        yield from ((None, b) for b in right)
        return
    # Times go on from the anchor in front, wherever an earlier insertion has moved it to.
    known = left[0] > 0 < right[0]
    shift = after_at[right[0] - 1] - before_at[left[0] - 1] if known else Fraction(0)
    yield from _by_time(before_at, after_at, shift, (list(left), list(right)))


def _by_time(
    before_at: Sequence[Fraction],
    after_at: Sequence[Fraction],
    shift: Fraction,
    units: tuple[list[int], list[int]],
) -> Iterator[Pair]:
    """Pair units shown nearest to each other, at most half a typical step apart."""
    left, right = units
    steps = sorted(before_at[b] - before_at[a] for a, b in pairwise(left))
    near = steps[len(steps) // 2] / 2 if steps else Fraction(1, 50)
    at = to = 0
    while at < len(left) and to < len(right):
        late = after_at[right[to]] - before_at[left[at]] - shift
        if abs(late) <= near:
            yield left[at], right[to]
            at, to = at + 1, to + 1
        elif late > 0:
            yield left[at], None
            at += 1
        else:
            yield None, right[to]
            to += 1
    yield from ((a, None) for a in left[at:])
    yield from ((None, b) for b in right[to:])
