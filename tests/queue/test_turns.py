"""Keys take turns; within a key the oldest request comes first."""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from itertools import chain

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from retake.queue.turns import Turns

KEYS = st.sampled_from("abcd")


def drain(turns: Turns) -> list[str]:
    turns = deepcopy(turns)
    return [request_id for _ in range(len(turns)) if (request_id := turns.take())]


def test_a_key_with_many_requests_delays_another_keys_first_by_one() -> None:
    turns = Turns()
    for place in range(1000):
        turns.add(place, "busy", f"busy-{place}")
    turns.add(1000, "other", "other-0")
    assert turns.ahead("other-0") == 1
    assert drain(turns)[:3] == ["busy-0", "other-0", "busy-1"]


def test_a_key_that_was_served_is_behind_one_that_comes_anew() -> None:
    turns = Turns()
    for n, key in enumerate("abca"):
        turns.add(n, key, f"{key}{n}")
    assert turns.take() == "a0"
    turns.add(9, "new", "new9")
    assert drain(turns) == ["b1", "c2", "new9", "a3"]
    assert drain(Turns(["a"])) == []


def test_within_a_key_the_highest_priority_goes_first_and_costs_others_no_turn() -> None:
    turns = Turns(served=["a"])
    for place, priority in enumerate((0, 1, -1, 1)):
        turns.add(place, "a", f"a{place}", priority)
    turns.add(9, "b", "b9", -1)
    assert drain(turns) == ["b9", "a1", "a3", "a0", "a2"]
    assert [turns.ahead(name) for name in drain(turns)] == list(range(5))


def test_a_place_is_given_once() -> None:
    turns = Turns()
    turns.add(5, "a", "r5")
    with pytest.raises(ValueError, match="place 5"):
        turns.add(5, "b", "r6")
    turns.add(4, "a", "r4")
    assert drain(turns) == ["r4", "r5"]


class TurnsMachine(RuleBasedStateMachine):
    """The model: the waiting requests of each key, oldest first, and who was served when."""

    def __init__(self) -> None:
        super().__init__()
        self.turns = Turns()
        self.waiting: dict[str, list[str]] = {}
        self.place = 0
        # How many requests other keys were served since a key waits without being served.
        self.passed: dict[str, Counter[str]] = {}

    @rule(key=KEYS, count=st.integers(1, 4))
    def add(self, key: str, count: int) -> None:
        for _ in range(count):
            self.place += 1
            self.turns.add(self.place, key, f"{key}{self.place}")
            self.waiting.setdefault(key, []).append(f"{key}{self.place}")
            self.passed.setdefault(key, Counter())

    @rule()
    def take(self) -> None:
        request_id = self.turns.take()
        if request_id is None:
            assert not self.waiting
            return
        key = request_id[0]
        assert request_id == self.waiting[key][0]
        self.drop(request_id)
        self.passed.pop(key)
        if key in self.waiting:
            self.passed[key] = Counter()
        for passed in self.passed.values():
            passed[key] += 1
        self.passed.get(key, Counter()).clear()

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        request_id = data.draw(st.sampled_from(sorted(chain(*self.waiting.values()))))
        assert self.turns.remove(request_id)
        assert not self.turns.remove(request_id)
        self.drop(request_id)
        if request_id[0] not in self.waiting:
            self.passed.pop(request_id[0])

    def drop(self, request_id: str) -> None:
        self.waiting[request_id[0]].remove(request_id)
        if not self.waiting[request_id[0]]:
            del self.waiting[request_id[0]]

    @invariant()
    def what_is_ahead_of_each_is_what_is_really_taken_before_it(self) -> None:
        order = drain(self.turns)
        assert sorted(order) == sorted(chain(*self.waiting.values()))
        assert [self.turns.ahead(request_id) for request_id in order] == list(range(len(order)))

    @invariant()
    def no_key_is_served_twice_while_another_waits(self) -> None:
        assert all(count <= 1 for passed in self.passed.values() for count in passed.values())


TestTurns = TurnsMachine.TestCase
TestTurns.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
