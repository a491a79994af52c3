"""The side of the requests that their users see: whoever works on them, and wherever."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from retake.queue.feed import Feed
from retake.queue.observer import Observer
from retake.queue.record import NewRequest, Record
from retake.queue.store import Store
from retake.queue.unfinished import Unfinished


class Front(Protocol):
    """What is done with requests that were accepted.

    Attributes:
        observer: Is told what happens to them; may be replaced before the first.
        unfinished: Counts those that have not ended.
    """

    observer: Observer
    unfinished: Unfinished

    @property
    def processing(self) -> int:
        """How many are worked on."""
        ...

    def add(self, place: int, new: NewRequest) -> None:
        """Let a request wait for an engine; `place` is its number in the order of all requests.

        It has a place in `unfinished` already.
        """
        ...

    async def cancel(self, request_id: str) -> None:
        """Cancel a request: at once if it waits, else whoever works on it is told.

        Raises:
            StorageFailed: It could not be written down.
        """
        ...

    def lively(self, record: Record) -> Record:
        """Return the record with what only memory knows: progress, position, time left."""
        ...


MakeFront = Callable[[Store, Feed, Callable[[str], None], Unfinished], Front]
"""``make(store, feed, on_end, unfinished)``: `on_end` is called with the id of each request that
has ended, `feed` is told of everything that happens to one."""
