"""The requests that have not ended, and how many there may be: of all keys, and of one key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from retake.core.errors import BadRequest, StorageFailed
from retake.queue.database import Connection

_OF_KEY = """
select cast(coalesce(sum(n), 0) as bigint) as n from counts
where key_id = :key_id and status in ('queued', 'processing')
"""
_TURN = "select pg_advisory_xact_lock(hashtextextended(:key_id, 0))"
_NEAR = 100
"""From so few places left on, submits of one key wait for each other."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many requests may wait or be worked on at once; 0 is no limit."""

    of_all: int = 0
    of_key: int = 0


UNLIMITED = Capacity()


def check_room(db: Connection, key_id: str, capacity: Capacity) -> None:
    """Let pass a request of a key that has room for it, whichever process accepted the others.

    For PostgreSQL, where this process alone does not know them all.

    Raises:
        BadRequest: The key has as many as it may (``too_many_unfinished``).
    """
    if not capacity.of_key:
        return
    values = {"key_id": key_id}
    own = db.execute(_OF_KEY, values).fetchone()["n"]
    if own + _NEAR > capacity.of_key:
        db.execute(_TURN, values)
        own = db.execute(_OF_KEY, values).fetchone()["n"]
    if own >= capacity.of_key:
        raise _too_many(own, capacity)


class Unfinished:
    """The requests that have not ended, and whose they are. For the server's event loop only.

    Args:
        capacity: How many there may be.
    """

    def __init__(self, capacity: Capacity) -> None:
        self._capacity = capacity
        self._key_of: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._key_of)

    def __iter__(self) -> Iterator[str]:
        return iter(self._key_of)

    def enter(self, request_id: str, key_id: str) -> None:
        """Let one more in.

        Raises:
            BadRequest: The key has as many as it may (``too_many_unfinished``).
            StorageFailed: The queue is full (``queue_full``, retryable).
        """
        capacity, own = self._capacity, self._counts.get(key_id, 0)
        if 0 < capacity.of_key <= own:
            raise _too_many(own, capacity)
        if 0 < capacity.of_all <= len(self._key_of):
            raise StorageFailed(
                "queue_full",
                "the queue is full; try again once some of the waiting requests have ended",
                retryable=True,
            )
        self.hold(request_id, key_id)

    def hold(self, request_id: str, key_id: str) -> None:
        """Count one that is in already, whether or not there is room."""
        self._key_of[request_id] = key_id
        self._counts[key_id] = self._counts.get(key_id, 0) + 1

    def leave(self, request_id: str) -> None:
        """Let one go; nothing happens where it is not in."""
        key_id = self._key_of.pop(request_id, None)
        if key_id is None:
            return
        self._counts[key_id] -= 1
        if not self._counts[key_id]:
            del self._counts[key_id]

    def key_of(self, request_id: str) -> str | None:
        """Return whose it is; None when it is not in."""
        return self._key_of.get(request_id)


def _too_many(own: int, capacity: Capacity) -> BadRequest:
    return BadRequest(
        "too_many_unfinished",
        f"{own} requests of this key have not ended; accepted are {capacity.of_key} at "
        "once, so wait for one to end, or cancel one",
        retryable=True,
    )
