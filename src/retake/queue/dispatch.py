"""What the engine child is given, and what it gives back.

Called on the server's event loop by the users' side (`Requests`) and by the child's supervisor.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from retake.core.request import Status
from retake.queue.admission import Admission
from retake.queue.desk import EngineLink
from retake.queue.fault import crashed_engine
from retake.queue.feed import Feed
from retake.queue.observer import Observer, Unobserved
from retake.queue.progress import Progress, stage_named
from retake.queue.record import NewRequest, Record
from retake.queue.store import Discard, Store
from retake.queue.telling import ending
from retake.queue.unfinished import Unfinished

_log = logging.getLogger(__name__)

MAX_CRASHES = 3


class Dispatch:
    """Knows which requests the engine child has, and how far it is with them.

    Args:
        store: The requests on the disk; those that have not ended are taken up.
        feed: Is told of everything that happens to a request.
        on_end: Called with the id of each request that has ended.
        unfinished: Counts those that have not ended.
        slots: How many requests the child works on at once.
        clock: Gives monotonic time in seconds.
        discard: Removes what was stored of a request that ends without a result; on a thread.

    Attributes:
        observer: Is told what happens to them; may be replaced before the first.
    """

    def __init__(
        self,
        store: Store,
        feed: Feed,
        on_end: Callable[[str], None],
        unfinished: Unfinished,
        *,
        slots: int,
        clock: Callable[[], float],
        discard: Discard,
    ) -> None:
        self._store = store
        self._clock = clock
        self._feed = feed
        self._on_end = on_end
        self._discard = discard
        self.observer: Observer = Unobserved()
        self._admission = Admission(slots)
        self._progress: dict[str, Progress] = {}
        self._link: EngineLink | None = None
        self.unfinished = unfinished
        self._ending: set[str] = set()
        store.end_asked(discard)
        for each in store.unfinished():
            self.unfinished.hold(each.request_id, each.key_id)
            if each.begun:
                self._admission.readmit(each.request_id)
            else:
                self._admission.wait(each.place, each.key_id, each.request_id, each.priority)

    # For the users' side.

    @property
    def processing(self) -> int:
        """How many requests are worked on."""
        return len(self._progress)

    def add(self, place: int, new: NewRequest) -> None:
        """Let a request wait for the engine; it has a place in `unfinished` already."""
        self._admission.wait(place, new.key_id, new.request_id, new.priority)
        self.observer.accepted(new.request_id, new.model)
        self._tell(self._feed.changed, new.request_id)
        if self._link is not None:
            self._link.wake()

    async def cancel(self, request_id: str) -> None:
        """Cancel a request: at once if it waits or there is no child, else the child is told.

        Raises:
            StorageFailed: The disk is full.
        """
        waited = await self._store.cancel(request_id)
        told = self._link is not None and self._link.cancel(request_id)
        if waited:
            await self._observe_end(request_id)
            self._gone(request_id)
        elif not told:
            await self._end(request_id, Status.CANCELLED)

    def lively(self, record: Record) -> Record:
        """Return the record with what only memory knows: progress, position, time left."""
        if record.status is Status.QUEUED:
            return replace(record, queue_position=self._admission.position(record.request_id))
        if record.status is not Status.PROCESSING:
            return record
        now, progress = self._clock(), self._progress.get(record.request_id)
        if progress is None:
            waiting = Progress.begin(stage_named(record.stage), now)
            return replace(record, progress=waiting.to_dict())
        return replace(record, progress=progress.to_dict(), eta_seconds=progress.eta_seconds(now))

    # For the supervisor of the engine child.

    def attach(self, link: EngineLink) -> None:
        """Name the supervisor that is to be told of new requests and of cancelled ones."""
        self._link = link

    async def kept(self) -> list[str]:
        """Return the requests whose work folders and recorded steps are still needed."""
        return self.admitted()

    def admitted(self) -> list[str]:
        """Return the requests that the child should have, those to be worked on first in front."""
        return self._admission.admitted()

    def admit(self) -> str | None:
        """Return one more request to send to the child; None when it has enough or none waits."""
        while (name := self._admission.take()) and (found := self._store.get_now(name)):
            if not found.status.terminal:
                break
            self._admission.forget(name)  # cancelled with many others, which are told one by one
        return name

    def for_engine(self, request_id: str) -> dict[str, Any]:
        """Return what the child needs of a request.

        Raises:
            LookupError: There is no such request.
        """
        found = self._store.get_now(request_id)
        if found is None:
            raise LookupError(request_id)
        return found.for_engine()

    async def begun(self, request_id: str) -> bool:
        """Note that the child works on it; returns False when it has ended meanwhile."""
        if not self._admission.begun(request_id) or not await self._store.begin(request_id):
            return False
        found = await self._store.get(request_id)
        stage = stage_named(found.stage) if found else None
        if found is not None:
            self.observer.begun(request_id, found.model, stage, found.trace)
        self._progress[request_id] = Progress.begin(stage, self._clock())
        self._tell(self._feed.changed, request_id)
        return True

    async def progressed(self, request_id: str, stage_name: str, done: int, total: int) -> None:
        """Note how far the child is; only the stage is written down, and only when it changes."""
        stage = stage_named(stage_name)
        before = self._progress.get(request_id)
        if stage is None or before is None:
            return
        self._progress[request_id] = before.at(stage, done, total)
        if stage is not before.stage:
            self.observer.entered(request_id, stage)
            await self._store.set_stage(request_id, stage.value)
            self._tell(self._feed.changed, request_id)
        else:
            self._tell(self._feed.moved, request_id)

    async def ended(self, request_id: str, result: dict[str, Any]) -> bool:
        """Note how a request ended; where it had ended before, that stands. Always True.

        Raises:
            StorageFailed: The disk is full; nothing was noted.
        """
        status, outcome, error = ending(request_id, result)
        await self._end(request_id, status, outcome=outcome, error=error)
        return True

    async def child_lost(self, *, crashed: bool, killed: bool = False) -> None:
        """Note that the child is gone; `crashed` when it did not go of its own will.

        What it worked on is taken up again, unless it is to be cancelled or has crashed too often.
        """
        del killed
        for request_id in self._admission.child_lost():
            self._progress.pop(request_id, None)
            state = await self._store.lost(request_id, crashed=crashed)
            if state is None:
                continue
            if state.cancel_requested:
                await self._end(request_id, Status.CANCELLED)
            elif state.crashes >= MAX_CRASHES:
                _log.error("request %s ended the engine %d times", request_id, state.crashes)
                await self._end(request_id, Status.FAILED, error=crashed_engine(state.crashes))

    def _tell(self, tell: Callable[[str, str], None], request_id: str) -> None:
        if key_id := self.unfinished.key_of(request_id):
            tell(key_id, request_id)

    async def _end(
        self,
        request_id: str,
        status: Status,
        *,
        outcome: dict[str, Any] | None = None,
        error: dict[str, Any] | None = None,
    ) -> None:
        if request_id in self._ending:
            # The first end stands; its files are not to be removed by the second.
            return
        self._ending.add(request_id)
        try:
            found = await self._store.get(request_id)
            if status is not Status.SUCCESS and found and not found.status.terminal:
                # Before it is noted: after a kill in between the next start does it again.
                await asyncio.to_thread(self._discard, request_id)
            if await self._store.end(request_id, status, outcome=outcome, error=error):
                await self._observe_end(request_id)
        finally:
            self._ending.discard(request_id)
        self._gone(request_id)

    async def _observe_end(self, request_id: str) -> None:
        if (found := await self._store.get(request_id)) is not None:
            code = None if found.error is None else str(found.error.get("code"))
            self.observer.ended(request_id, found.model, found.status.value, code)

    def _gone(self, request_id: str) -> None:
        self._admission.forget(request_id)
        self._progress.pop(request_id, None)
        self._on_end(request_id)
        self._tell(self._feed.changed, request_id)
        self.unfinished.leave(request_id)
        if self._link is not None:
            self._link.wake()
