"""The requests: accepted, listed, waited for, cancelled.

Everything here is called on the event loop. What writes returns once it is on the disk.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

from retake.core.errors import StorageFailed
from retake.queue.data_dir import DataDir
from retake.queue.database import Database
from retake.queue.deadlines import Deadlines
from retake.queue.dispatch import Dispatch
from retake.queue.feed import Feed, Listener
from retake.queue.front import Front, MakeFront
from retake.queue.listing import Wanted
from retake.queue.once import Once
from retake.queue.opening import open_database
from retake.queue.record import NewRequest, Record
from retake.queue.store import Discard, Store
from retake.queue.unfinished import UNLIMITED, Capacity, Unfinished
from retake.queue.waiting import Waiting
from retake.queue.whole import Whole


def _nothing(_request_id: str) -> None:
    return


class Requests:
    """All requests of one data folder, as their users see them.

    `front` is what is done with them, `webhooks` says who is to be told of them, `results` what
    there is of their files.

    Args:
        data_dir: The locked data folder.
        slots: How many requests the engine child works on at once.
        known_s: How long an idempotency key is known, in seconds.
        now: Gives Unix time in seconds.
        clock: Gives monotonic time in seconds.
        discard: Removes what was stored of a request that ends without a result.
        capacity: How many requests may be unfinished at once.
        database: Where the requests are; None is the data folder's own file.
        front: Makes what is done with them; None is one engine child, which `dispatch` serves.
    """

    def __init__(
        self,
        data_dir: DataDir,
        *,
        slots: int = 1,
        known_s: int = 24 * 3600,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
        discard: Discard = _nothing,
        capacity: Capacity = UNLIMITED,
        database: Database | None = None,
        front: MakeFront | None = None,
    ) -> None:
        self._store = Store(database or open_database(data_dir), now, known_s, capacity)
        self.webhooks, self.results = self._store.webhooks, self._store.results
        self._feed = Feed(self.webhooks.changed)
        self._unfinished = Unfinished(capacity)
        told = (self._store, self._feed, self._ended, self._unfinished)
        own = partial(Dispatch, slots=slots, clock=clock, discard=discard)
        self.front: Front = (front or own)(*told)
        self._deadlines = Deadlines(now, self.front.cancel)
        self._waiting = Waiting()
        self._whole = Whole()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = False

    @property
    def dispatch(self) -> Dispatch:
        """The engine child's side, where there is one."""
        if not isinstance(self.front, Dispatch):
            raise TypeError("others work on the requests")
        return self.front

    @property
    def stopping(self) -> bool:
        """Whether the server was told to stop: nothing more is accepted."""
        return self._stopping

    def watch_deadlines(self) -> None:
        """Begin to cancel requests whose time is over; on the event loop, once, at the start."""
        for request_id, at in self._store.deadlines().items():
            self._deadlines.add(request_id, at)

    async def create(self, new: NewRequest, known: Once | None = None) -> Record:
        """Accept a request; it is on the disk when this returns.

        Where the same was accepted before with the same `known`, that request is returned.

        Raises:
            BadRequest: Something else was accepted with its key (``idempotency_key_reused``), or
                too many of the key's have not ended (``too_many_unfinished``).
            StorageFailed: The disk or the queue is full (``disk_full``, ``queue_full``), or the
                server is stopping (``stopping``); all retryable.
        """
        if self._stopping:
            raise _is_stopping()
        return self.lively(await self._whole.do(self._create(new, known)))

    async def find(self, key_id: str, known: Once) -> Record | None:
        """Return the key's request that was accepted with the same `known`; None if none was.

        Raises:
            BadRequest: Something else was accepted with its key (``idempotency_key_reused``).
        """
        request_id = await self._store.find(key_id, known)
        return None if request_id is None else await self._existing(request_id)

    async def get(self, request_id: str, key_id: str) -> Record | None:
        """Return one of the key's requests; None when it has no such request."""
        found = await self._store.get(request_id)
        return self.lively(found) if found is not None and found.key_id == key_id else None

    async def list(
        self,
        key_id: str,
        wanted: Wanted | None = None,
        *,
        limit: int = 50,
        before: str | None = None,
    ) -> tuple[list[Record], int]:
        """Return the key's requests, newest first, and how many there are in all.

        Args:
            key_id: Whose requests.
            wanted: Which of them; None is all.
            limit: At most so many are returned.
            before: Only those older than the request of this id.
        """
        records, total = await self._store.listing.page(key_id, wanted or Wanted(), limit, before)
        return [self.lively(each) for each in records], total

    def lively(self, record: Record) -> Record:
        """Return a record that was read before with what only memory knows of it now."""
        return self.front.lively(record)

    async def holds(self, request_id: str, key_id: str) -> bool:
        """Return whether the key has a request of that id."""
        return await self._store.listing.holds(key_id, request_id)

    async def changed(self, key_id: str, since: Record | int, limit: int = 100) -> list[Record]:
        """Return what changed of the key's requests, in that order.

        Args:
            key_id: Whose requests.
            since: Those that changed at this moment or later; or later than this record did.
            limit: At most so many are returned.
        """
        at, place = (since, 0) if isinstance(since, int) else (since.updated_at, since.place)
        return await self._store.listing.changed(key_id, at, place, limit)

    def listen(
        self, key_id: str, request_id: str | None = None
    ) -> AbstractContextManager[Listener]:
        """Listen to one of the key's requests, or to all of them; see `Feed.listen`.

        Raises:
            StorageFailed: Too many listen with this key already (``too_many_listeners``), or the
                server is stopping (``stopping``); both retryable.
        """
        if self._stopping:
            raise _is_stopping()
        self._loop = asyncio.get_running_loop()
        return self._feed.listen(key_id, request_id)

    async def wait(self, request_id: str, timeout_s: float) -> Record:
        """Return the request once it has ended, or as it stands after `timeout_s` seconds.

        Raises:
            LookupError: There is no such request.
        """
        record = await self._existing(request_id)
        if record.status.terminal or self._stopping or timeout_s <= 0:
            return record
        self._loop = asyncio.get_running_loop()
        await self._waiting.wait(request_id, timeout_s)
        return await self._existing(request_id)

    async def cancel(self, request_id: str, key_id: str) -> Record | None:
        """Cancel one of the key's requests; None when it has no such request.

        A queued one is cancelled when this returns; one that is worked on is told to stop, which
        it does within a second; one that has ended stays as it is.

        Raises:
            StorageFailed: The disk is full (``disk_full``, retryable).
        """
        record = await self.get(request_id, key_id)
        if record is None or record.status.terminal:
            return record
        await self._whole.do(self.front.cancel(request_id))
        return await self.get(request_id, key_id)

    def release(self) -> None:
        """Accept no more requests and let everybody who waits go, with the request as it stands.

        To be called as soon as the server is told to stop; a signal handler may do so.
        """
        self._stopping = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._release_all)

    def close(self) -> None:
        """Write what waits and close the file; the next start takes up what has not ended."""
        self._stopping = True
        self._store.close()

    async def _create(self, new: NewRequest, known: Once | None) -> Record:
        self._unfinished.enter(new.request_id, new.key_id)
        try:
            record = await self._store.insert(new, known)
        except BaseException:
            self._unfinished.leave(new.request_id)
            raise
        if record.request_id != new.request_id:
            self._unfinished.leave(new.request_id)
        else:
            self.front.add(record.place, new)
            if new.cancel_at is not None:
                self._deadlines.add(new.request_id, new.cancel_at)
        return record

    def _ended(self, request_id: str) -> None:
        self._deadlines.remove(request_id)
        self._waiting.release(request_id)

    def _release_all(self) -> None:
        self._feed.close()
        self._deadlines.close()
        self._waiting.release_all()

    async def _existing(self, request_id: str) -> Record:
        return self.front.lively(await self._store.existing(request_id))


def _is_stopping() -> StorageFailed:
    return StorageFailed("stopping", "the server is stopping", retryable=True)
