"""Which requests wait, which the engine child has, and which of those it has begun.

In memory only, and without any clock or disk: what is here can be rebuilt from the stored
requests, and is, when the server starts.
"""

from __future__ import annotations

from retake.queue.turns import Turns


class Admission:
    """Decides which request the engine child gets next.

    Args:
        slots: How many requests the child works on at once. It gets one more than that, so that
            it need not wait for the server between two requests.
    """

    def __init__(self, slots: int = 1) -> None:
        self._most = slots + 1
        self._turns = Turns()
        self._admitted: dict[str, bool] = {}

    def wait(self, place: int, key_id: str, request_id: str, priority: int = 0) -> None:
        """Let a request wait for its turn."""
        self._turns.add(place, key_id, request_id, priority)

    def readmit(self, request_id: str) -> None:
        """Give the child a request again that it had before the server went down."""
        self._admitted[request_id] = False

    def take(self) -> str | None:
        """Return the request to send to the child now; None when it has enough or none waits."""
        if len(self._admitted) >= self._most:
            return None
        request_id = self._turns.take()
        if request_id is not None:
            self._admitted[request_id] = False
        return request_id

    def begun(self, request_id: str) -> bool:
        """Note that the child works on it; returns whether the child was given it."""
        if request_id not in self._admitted:
            return False
        self._admitted[request_id] = True
        return True

    def forget(self, request_id: str) -> None:
        """Note that the request has ended."""
        self._turns.remove(request_id)
        self._admitted.pop(request_id, None)

    def child_lost(self) -> list[str]:
        """Note that the child is gone; returns the requests that it was working on."""
        running = [request_id for request_id, begun in self._admitted.items() if begun]
        self._admitted = dict.fromkeys(self._admitted, False)
        return running

    def admitted(self) -> list[str]:
        """Return the requests that are the child's, those to be worked on first in front."""
        return list(self._admitted)

    def position(self, request_id: str) -> int | None:
        """Return how many requests begin before this one; None when it has begun or ended."""
        if self._admitted.get(request_id):
            return None
        unbegun = [other for other, begun in self._admitted.items() if not begun]
        if request_id in self._admitted:
            return unbegun.index(request_id)
        if request_id in self._turns:
            return len(unbegun) + self._turns.ahead(request_id)
        return None
