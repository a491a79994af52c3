"""Whose request is next: keys take turns, and within a key the highest priority comes first.

It is the turn of the key that was served longest ago, so a key that comes anew is next. The claims
of many machines go by the same rule (`fleet/statements.py`).
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable


class Turns:
    """The waiting requests of all keys.

    A key with a thousand requests delays another key's first one by one request, not a thousand.

    Args:
        served: Keys that have been served before, the one that was served last behind all others.
    """

    def __init__(self, served: Iterable[str] = ()) -> None:
        # A key's requests in the order of their turns: (-priority, place).
        self._places: dict[str, list[tuple[int, int]]] = {}
        self._waiting: dict[int, tuple[str, str]] = {}
        self._place_of: dict[str, tuple[int, int]] = {}
        self._served = {key_id: turn for turn, key_id in enumerate(served, start=1)}
        self._turn = len(self._served)

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, request_id: str) -> bool:
        return request_id in self._place_of

    def add(self, place: int, key_id: str, request_id: str, priority: int = 0) -> None:
        """Let a request wait. `place` is its number in the order of all requests.

        Raises:
            ValueError: A request of that place waits already.
        """
        if place in self._waiting:
            raise ValueError(f"place {place} is taken")
        mark = (-priority, place)
        insort(self._places.setdefault(key_id, []), mark)
        self._waiting[place] = (key_id, request_id)
        self._place_of[request_id] = mark

    def take(self) -> str | None:
        """Return the request whose turn it is, which waits no more; None when none waits."""
        if not self._places:
            return None
        key_id = min(self._places, key=self._rank)
        request_id = self._waiting[self._places[key_id][0][1]][1]
        self.served(request_id)
        return request_id

    def served(self, request_id: str) -> None:
        """Let a request wait no more, and its key be the last of all.

        Raises:
            KeyError: The request does not wait.
        """
        key_id, _ = self._waiting[self._place_of[request_id][1]]
        self.remove(request_id)
        self._turn += 1
        self._served[key_id] = self._turn

    def remove(self, request_id: str) -> bool:
        """Let a request wait no more; returns whether it did."""
        mark = self._place_of.pop(request_id, None)
        if mark is None:
            return False
        key_id, _ = self._waiting.pop(mark[1])
        places = self._places[key_id]
        del places[bisect_left(places, mark)]
        if not places:
            del self._places[key_id]
        return True

    def ahead(self, request_id: str) -> int:
        """Return how many requests are taken before this one if nothing else comes.

        Raises:
            KeyError: The request does not wait.
        """
        mark = self._place_of[request_id]
        own, _ = self._waiting[mark[1]]
        rounds = count = bisect_left(self._places[own], mark)
        rank = self._rank(own)
        for key_id, places in self._places.items():
            if key_id != own:
                count += min(len(places), rounds + (self._rank(key_id) < rank))
        return count

    def _rank(self, key_id: str) -> tuple[int, int]:
        """Return when the key was served, and its first request's place: the least is next."""
        return self._served.get(key_id, 0), self._places[key_id][0][1]
