from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retake.core.errors import BadRequest, RetakeError, StorageFailed
from retake.queue.unfinished import Capacity, Unfinished

steps = st.lists(
    st.tuples(st.sampled_from(["enter", "leave", "hold"]), st.integers(0, 9), st.integers(0, 2))
)


@given(steps, st.integers(0, 5), st.integers(0, 3))
def test_there_are_never_more_than_there_may_be(
    moves: list[tuple[str, int, int]], of_all: int, of_key: int
) -> None:
    held = Unfinished(Capacity(of_all, of_key))
    inside: dict[str, str] = {}
    for move, number, key in moves:
        request_id, key_id = f"r{number}", f"k{key}"
        if move == "leave":
            held.leave(request_id)
            inside.pop(request_id, None)
        elif request_id not in inside:
            own = sum(other == key_id for other in inside.values())
            full = 0 < of_all <= len(inside) or 0 < of_key <= own
            try:
                (held.enter if move == "enter" else held.hold)(request_id, key_id)
            except RetakeError as error:
                assert full, move
                assert move == "enter"
                assert error.retryable
            else:
                assert move == "hold" or not full
                inside[request_id] = key_id
        assert len(held) == len(inside)
        assert all(held.key_of(each) == key for each, key in inside.items())


def test_a_key_that_has_too_many_is_told_so_before_the_queue_is_full_for_all() -> None:
    held = Unfinished(Capacity(of_all=2, of_key=2))
    held.enter("a", "one")
    held.enter("b", "one")
    with pytest.raises(BadRequest) as own:
        held.enter("c", "one")
    assert own.value.code == "too_many_unfinished"
    with pytest.raises(StorageFailed) as full:
        held.enter("c", "other")
    assert full.value.code == "queue_full"
