"""The requests: accepted, listed, waited for, cancelled, handed to the engine.

Everything here is called on the server's event loop. Reads are quick enough to be done on it;
what writes is `async` and returns once it is on the disk.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from retake.core.errors import EngineFailed, RetakeError, StorageFailed
from retake.core.request import Status
from retake.queue.admission import Admission
from retake.queue.data_dir import DataDir
from retake.queue.progress import Progress, stage_named
from retake.queue.record import NewRequest, Record
from retake.queue.store import Store

_log = logging.getLogger(__name__)

T = TypeVar("T")

MAX_CRASHES = 3


class EngineLink(Protocol):
    """What the requests tell the engine child's supervisor."""

    def wake(self) -> None:
        """Take note that a request may be waiting for the child."""
        ...

    def cancel(self, request_id: str) -> bool:
        """Tell the child to stop working on a request; False when there is no child to tell."""
        ...


class Requests:
    """All requests of one data folder.

    Args:
        data_dir: The locked data folder.
        slots: How many requests the engine child works on at once.
        now: Gives Unix time in seconds.
        clock: Gives monotonic time in seconds.
    """

    def __init__(
        self,
        data_dir: DataDir,
        *,
        slots: int = 1,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._store = Store(data_dir.requests, now)
        self._admission = Admission(slots)
        self._progress: dict[str, Progress] = {}
        self._waiters: dict[str, set[asyncio.Future[None]]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = False
        self._link: EngineLink | None = None
        for request in self._store.unfinished():
            if request.begun:
                self._admission.readmit(request.request_id)
            else:
                self._admission.wait(request.place, request.key_id, request.request_id)

    # For users, by way of the API.

    async def create(self, new: NewRequest) -> Record:
        """Accept a request; it is on the disk when this returns.

        Raises:
            StorageFailed: The disk is full (``disk_full``), or the server is stopping
                (``stopping``); both retryable.
        """
        if self._stopping:
            raise StorageFailed("stopping", "the server is stopping", retryable=True)
        await self._whole(self._create(new))
        return self._existing(new.request_id)

    def get(self, request_id: str, key_id: str) -> Record | None:
        """Return one of the key's requests; None when it has no such request."""
        found = self._store.get(request_id)
        if found is None or found[0].key_id != key_id:
            return None
        return self._lively(*found)

    def list(
        self,
        key_id: str,
        *,
        model: str | None = None,
        status: Status | None = None,
        limit: int = 50,
        before: str | None = None,
    ) -> tuple[list[Record], int]:
        """Return the key's requests, newest first, and how many there are in all.

        Args:
            key_id: Whose requests.
            model: Only those of this model.
            status: Only those that stand so.
            limit: At most so many are returned.
            before: Only those older than the request of this id.
        """
        rows, total = self._store.page(key_id, model, status, limit, before)
        return [self._lively(record, stage) for record, stage in rows], total

    async def wait(self, request_id: str, timeout_s: float) -> Record:
        """Return the request once it has ended, or as it stands after `timeout_s` seconds.

        Raises:
            LookupError: There is no such request.
        """
        record = self._existing(request_id)
        if record.status.terminal or self._stopping or timeout_s <= 0:
            return record
        self._loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = self._loop.create_future()
        waiters = self._waiters.setdefault(request_id, set())
        waiters.add(ended)
        try:
            await asyncio.wait([ended], timeout=timeout_s)
        finally:
            waiters.discard(ended)
            if not waiters:
                self._waiters.pop(request_id, None)
        return self._existing(request_id)

    async def cancel(self, request_id: str, key_id: str) -> Record | None:
        """Cancel one of the key's requests; None when it has no such request.

        A queued one is cancelled when this returns; one that is worked on is told to stop, which
        it does within a second; one that has ended stays as it is.

        Raises:
            StorageFailed: The disk is full (``disk_full``, retryable).
        """
        record = self.get(request_id, key_id)
        if record is None or record.status.terminal:
            return record
        await self._whole(self._cancel(request_id))
        return self.get(request_id, key_id)

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

    # For the supervisor of the engine child.

    def attach(self, link: EngineLink) -> None:
        """Name the supervisor that is to be told of new requests and of cancelled ones."""
        self._link = link

    def admitted(self) -> list[str]:
        """Return the requests that the child should have, those to be worked on first in front."""
        return self._admission.admitted()

    def admit(self) -> str | None:
        """Return one more request to send to the child; None when it has enough or none waits."""
        return self._admission.take()

    def for_engine(self, request_id: str) -> dict[str, Any]:
        """Return what the child needs of a request."""
        return self._existing(request_id).for_engine()

    async def begun(self, request_id: str) -> bool:
        """Note that the child works on it; returns False when it has ended meanwhile."""
        if not self._admission.begun(request_id) or not await self._store.begin(request_id):
            return False
        found = self._store.get(request_id)
        stage = stage_named(found[1]) if found else None
        self._progress[request_id] = Progress.begin(stage, self._clock())
        return True

    async def progressed(self, request_id: str, stage_name: str, done: int, total: int) -> None:
        """Note how far the child is; only the stage is written down, and only when it changes."""
        stage = stage_named(stage_name)
        before = self._progress.get(request_id)
        if stage is None or before is None:
            return
        self._progress[request_id] = before.at(stage, done, total)
        if stage is not before.stage:
            await self._store.set_stage(request_id, stage.value)

    async def ended(self, request_id: str, result: dict[str, Any]) -> None:
        """Note how a request ended; where it had ended before, that stands.

        Raises:
            StorageFailed: The disk is full; nothing was noted.
        """
        match result:
            case {"status": "success", "outcome": dict() as outcome}:
                await self._end(request_id, Status.SUCCESS, outcome=outcome)
            case {"status": "failed", "error": dict() as error}:
                await self._end(request_id, Status.FAILED, error=error)
            case {"status": "cancelled"}:
                await self._end(request_id, Status.CANCELLED)
            case _:
                _log.error("the engine's answer for %s is none: %.200r", request_id, result)
                await self._end(request_id, Status.FAILED, error=_internal())

    async def child_lost(self, *, crashed: bool) -> None:
        """Note that the child is gone; `crashed` when it did not go of its own will.

        A request that it worked on is taken up again, unless it is to be cancelled or the child
        has died on it too often.
        """
        for request_id in self._admission.child_lost():
            self._progress.pop(request_id, None)
            state = await self._store.lost(request_id, crashed=crashed)
            if state is None:
                continue
            if state.cancel_requested:
                await self._end(request_id, Status.CANCELLED)
            elif state.crashes >= MAX_CRASHES:
                _log.error("request %s ended the engine %d times", request_id, state.crashes)
                await self._end(request_id, Status.FAILED, error=_crashed(state.crashes).to_dict())

    # Inside.

    async def _whole(self, work: Coroutine[Any, Any, T]) -> T:
        """Do `work` to its end even if the caller is cancelled: disk and memory must agree."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)

    async def _create(self, new: NewRequest) -> None:
        place = await self._store.insert(new)
        self._admission.wait(place, new.key_id, new.request_id)
        if self._link is not None:
            self._link.wake()

    async def _cancel(self, request_id: str) -> None:
        waited = await self._store.cancel(request_id)
        told = self._link is not None and self._link.cancel(request_id)
        if waited:
            self._gone(request_id)
        elif not told:
            await self._end(request_id, Status.CANCELLED)

    async def _end(
        self,
        request_id: str,
        status: Status,
        *,
        outcome: dict[str, Any] | None = None,
        error: dict[str, Any] | None = None,
    ) -> None:
        await self._store.end(request_id, status, outcome=outcome, error=error)
        self._gone(request_id)

    def _gone(self, request_id: str) -> None:
        self._admission.forget(request_id)
        self._progress.pop(request_id, None)
        _release(self._waiters.pop(request_id, set()))
        if self._link is not None:
            self._link.wake()

    def _release_all(self) -> None:
        for waiters in self._waiters.values():
            _release(waiters)

    def _existing(self, request_id: str) -> Record:
        found = self._store.get(request_id)
        if found is None:
            raise LookupError(request_id)
        return self._lively(*found)

    def _lively(self, record: Record, stage: str | None) -> Record:
        """Return the record with what only memory knows: progress, position, time left."""
        if record.status is Status.QUEUED:
            return replace(record, queue_position=self._admission.position(record.request_id))
        if record.status is not Status.PROCESSING:
            return record
        progress = self._progress.get(record.request_id)
        if progress is None:
            waiting = Progress.begin(stage_named(stage), self._clock())
            return replace(record, progress=waiting.to_dict())
        return replace(
            record, progress=progress.to_dict(), eta_seconds=progress.eta_seconds(self._clock())
        )


def _release(waiters: set[asyncio.Future[None]]) -> None:
    for waiter in waiters:
        if not waiter.done():
            waiter.set_result(None)


def _crashed(crashes: int) -> EngineFailed:
    return EngineFailed(
        "crashed_engine",
        f"the engine ended unexpectedly {crashes} times while it worked on this request",
    )


def _internal() -> dict[str, Any]:
    return RetakeError("internal", "the server made a mistake; its log says more").to_dict()
