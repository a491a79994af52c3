"""Whose request is next: keys take turns, and within a key the oldest comes first."""

from __future__ import annotations

from bisect import bisect_left


class Turns:
    """The waiting requests of all keys.

    A key with a thousand requests delays another key's first one by one request, not a thousand.
    """

    def __init__(self) -> None:
        # Keys in the order of their turns; each key's places are ascending. A key that has
        # nothing to wait for is absent, and comes in at the end of the round.
        self._places: dict[str, list[int]] = {}
        self._waiting: dict[int, tuple[str, str]] = {}
        self._place_of: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, request_id: str) -> bool:
        return request_id in self._place_of

    def add(self, place: int, key_id: str, request_id: str) -> None:
        """Let a request wait. `place` is its number in the order of all requests.

        Raises:
            ValueError: The place is not after those of the key's other requests.
        """
        places = self._places.setdefault(key_id, [])
        if places and place <= places[-1]:
            raise ValueError(f"place {place} is not after {places[-1]}")
        places.append(place)
        self._waiting[place] = (key_id, request_id)
        self._place_of[request_id] = place

    def take(self) -> str | None:
        """Return the request whose turn it is, which waits no more; None when none waits."""
        for key_id, places in self._places.items():
            request_id = self._waiting[places[0]][1]
            self.remove(request_id)
            if key_id in self._places:
                # Its turn is over: to the end of the round.
                self._places[key_id] = self._places.pop(key_id)
            return request_id
        return None

    def remove(self, request_id: str) -> bool:
        """Let a request wait no more; returns whether it did."""
        place = self._place_of.pop(request_id, None)
        if place is None:
            return False
        key_id, _ = self._waiting.pop(place)
        places = self._places[key_id]
        del places[bisect_left(places, place)]
        if not places:
            del self._places[key_id]
        return True

    def ahead(self, request_id: str) -> int:
        """Return how many requests are taken before this one if nothing else comes.

        Raises:
            KeyError: The request does not wait.
        """
        place = self._place_of[request_id]
        own, _ = self._waiting[place]
        rounds = bisect_left(self._places[own], place)
        count = rounds
        before = True
        for key_id, places in self._places.items():
            if key_id == own:
                before = False
            else:
                count += min(len(places), rounds + 1 if before else rounds)
        return count
