"""Which messages may be sent now, so that nobody who is slow holds up others.

A lane is one host of one key. Messages in a lane wait for each other, and the lanes of one key for
each other; so somebody whose receivers hang, however many, only waits for himself.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Width:
    """How many messages are on their way at once: in all, of one key, in one lane."""

    in_all: int = 64
    of_key: int = 16
    of_lane: int = 4


class Lanes:
    """What is on its way, and when which lane is to be looked at.

    Args:
        width: How many messages are on their way at once.
    """

    def __init__(self, width: Width) -> None:
        self._width = width
        self._heap: list[tuple[float, str]] = []
        self._first: dict[str, float] = {}
        self._under_way: dict[str, set[str]] = {}
        self._of_key: dict[str, int] = {}
        self._kept_waiting: dict[str, set[str]] = {}
        self._count = 0

    @property
    def under_way(self) -> int:
        """How many messages are on their way."""
        return self._count

    def look_at(self, lane: str, at: float) -> None:
        """Have a lane looked at from the moment `at` (Unix time) on."""
        if at < self._first.get(lane, float("inf")):
            self._first[lane] = at
            heapq.heappush(self._heap, (at, lane))

    def due(self, now: float) -> str | None:
        """Return a lane that is to be looked at now; None when there is none, or no room."""
        while self._heap and self._count < self._width.in_all and self._heap[0][0] <= now:
            at, lane = heapq.heappop(self._heap)
            if self._first.get(lane) == at:
                del self._first[lane]
                return lane
        return None

    def next_at(self) -> float | None:
        """Return when `due` is to be asked again; None when something has to happen before."""
        return self._heap[0][0] if self._heap and self._count < self._width.in_all else None

    def room(self, lane: str) -> int:
        """Return how many more messages may go into a lane now.

        Where the key alone is in the way, the lane is looked at again when one of its messages
        arrives.
        """
        key = _key(lane)
        left_of_key = self._width.of_key - self._of_key.get(key, 0)
        left = min(self._width.of_lane - len(self.on(lane)), self._width.in_all - self._count)
        if left_of_key < left:
            self._kept_waiting.setdefault(key, set()).add(lane)
        return max(min(left, left_of_key), 0)

    def on(self, lane: str) -> set[str]:
        """Return which messages of a lane are on their way."""
        return self._under_way.get(lane, set())

    def begin(self, lane: str, name: str) -> None:
        """Note that a message is on its way."""
        self._under_way.setdefault(lane, set()).add(name)
        self._of_key[_key(lane)] = self._of_key.get(_key(lane), 0) + 1
        self._count += 1

    def end(self, lane: str, name: str, at: float) -> None:
        """Note that a message is no longer on its way; its lane is looked at from `at` on."""
        self._under_way[lane].remove(name)
        if not self._under_way[lane]:
            del self._under_way[lane]
        key = _key(lane)
        self._of_key[key] -= 1
        if not self._of_key[key]:
            del self._of_key[key]
        self._count -= 1
        for waiting in {lane, *self._kept_waiting.pop(key, ())}:
            self.look_at(waiting, at)


def _key(lane: str) -> str:
    return lane.partition(" ")[0]
