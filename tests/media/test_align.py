"""Which unit belongs to which: by content first, then by time."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from retake.media.proof.align import align

Digests = list[bytes]


def paired(before: Digests, after: Digests) -> list[tuple[int | None, int | None]]:
    return align(before, after, times(before), times(after))


def times(units: Digests) -> list[Fraction]:
    return [Fraction(at, 24) for at in range(len(units))]


def units(*numbers: int) -> Digests:
    return [bytes([number]) for number in numbers]


FEW = st.lists(st.integers(0, 5).map(lambda n: bytes([n])), max_size=24)


@given(FEW, FEW)
def test_every_unit_is_in_exactly_one_pair_and_order_is_kept(
    before: Digests, after: Digests
) -> None:
    pairs = paired(before, after)
    left = [a for a, _ in pairs if a is not None]
    right = [b for _, b in pairs if b is not None]
    assert left == list(range(len(before)))
    assert right == list(range(len(after)))
    assert (None, None) not in pairs


@given(st.integers(0, 40), st.integers(1, 12), st.integers(0, 40))
def test_what_is_inserted_moves_nothing_else(front: int, run: int, back: int) -> None:
    numbers = list(range(front + back))
    before = units(*numbers)
    after = units(*numbers[:front], *range(200, 200 + run), *numbers[front:])
    assert paired(before, after) == [
        *((at, at) for at in range(front)),
        *((None, front + at) for at in range(run)),
        *((at, at + run) for at in range(front, front + back)),
    ]
    assert paired(after, before) == [(b, a) for a, b in paired(before, after)]


def test_a_changed_run_is_paired_one_to_one() -> None:
    assert paired(units(1, 2, 3, 4, 5), units(1, 9, 8, 7, 5)) == [(at, at) for at in range(5)]


def test_repeated_units_beside_a_single_one_go_with_it() -> None:
    """Black pictures have equal packets: those around a single one belong to it."""
    before = units(9, 0, 0, 7, 0, 0, 8)
    after = units(6, 0, 0, 7, 0, 0, 5, 5, 4)
    pairs = paired(before, after)
    assert {(1, 1), (2, 2), (3, 3), (4, 4), (5, 5)} <= set(pairs)


def test_two_changes_with_something_kept_between_are_told_apart() -> None:
    before = units(1, 2, 3, 4, 5, 6, 7, 8)
    after = units(1, 90, 91, 3, 4, 5, 6, 80, 8)
    pairs = paired(before, after)
    assert {(2, 3), (3, 4), (4, 5), (5, 6), (7, 8)} <= set(pairs)
    assert (None, 1) in pairs or (None, 2) in pairs


def test_uneven_runs_are_paired_by_time() -> None:
    before, after = units(1, 2, 3, 4), units(11, 12, 14)
    at = [Fraction(0), Fraction(1, 24), Fraction(3, 24)]
    assert align(before, after, times(before), at) == [(0, 0), (1, 1), (2, None), (3, 2)]
