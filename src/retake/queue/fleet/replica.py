"""An API process among others: what it does with requests that workers elsewhere work on.

It hears what changes from the database and passes it on: to streams of events, to held calls, to
what it knows of the queue. After a lost connection it reads everything anew, and misses nothing.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from retake.core.errors import StorageFailed
from retake.core.request import Status
from retake.queue.database import Connection, Database
from retake.queue.feed import Feed
from retake.queue.fleet.ears import Ears
from retake.queue.fleet.mirror import Mirror, Seen, read_all, read_some
from retake.queue.fleet.moment import database_time
from retake.queue.fleet.own import Own
from retake.queue.fleet.rescue import Rescue
from retake.queue.fleet.rescuer import Rescuer
from retake.queue.observer import Observer, Unobserved
from retake.queue.progress import Progress
from retake.queue.record import NewRequest, Record
from retake.queue.store import Discard, Store
from retake.queue.unfinished import Unfinished

_log = logging.getLogger(__name__)

_MOST_AT_ONCE = 200
_WORKER = "select worker from claims where request_id = :request_id"
_LOOK_S = 5.0
"""How often it is looked whether workers are there."""


class Replica:
    """The requests' front in an API process of a fleet.

    Args:
        store: The requests.
        feed: Is told of everything that happens to a request.
        on_end: Called with the id of each request that has ended.
        unfinished: Counts those that have not.
        url: The database, to be listened to.
        database: The same, to be asked.
        discard: Removes what was stored of a request that ends without a result.
        lease_s: How long a claim holds, in seconds.
        engine: The engine that answers where none is named.

    Attributes:
        observer: Is told of what this process has accepted.
        unfinished: Those that have not ended, wherever they were accepted.
        ready: Whether a worker for the engine was there a moment ago.
    """

    def __init__(
        self,
        store: Store,
        feed: Feed,
        on_end: Callable[[str], None],
        unfinished: Unfinished,
        *,
        url: str,
        database: Database,
        discard: Discard,
        lease_s: float,
        engine: str,
    ) -> None:
        self._database = database
        self._store = store
        self._feed = feed
        self._on_end = on_end
        self.unfinished = unfinished
        self.observer: Observer = Unobserved()
        self._own = Own(lambda: self.observer)
        self._mirror = Mirror(unfinished)
        self._changed: dict[str, None] = {}
        self._moved: dict[str, None] = {}
        self._all = True
        self._news = asyncio.Event()
        self._ears = Ears(
            url, {"retake_changed": self._hear_change, "retake_moved": self._hear_move}, self._again
        )
        self._rescue = Rescue(database)
        self._rescuer = Rescuer(
            self._rescue, discard, lambda: self._ears.since, lease_s / 3 + 1, self.cancel, lease_s
        )
        self._task: asyncio.Task[None] | None = None
        self._engine = engine
        self.ready = False
        self._looked = -_LOOK_S

    @property
    def hears(self) -> bool:
        """Whether the database tells this process what changes, now."""
        return self._ears.since is not None

    async def start(self) -> None:
        """Begin to hear; returns once everything that has not ended is known.

        Raises:
            StorageFailed: The database cannot be reached.
        """
        await self._catch_up()
        self._task = asyncio.create_task(self._follow(), name="replica")
        self._ears.start()
        self._rescuer.start()

    async def stop(self) -> None:
        """Hear no more."""
        await self._ears.stop()
        await self._rescuer.stop()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    @property
    def processing(self) -> int:
        """How many requests are worked on, in the whole fleet."""
        return self._mirror.processing

    def add(self, place: int, new: NewRequest) -> None:
        """Note that a request was accepted here; the workers are told by the database."""
        self._mirror.add(place, new.key_id, new.request_id, new.priority)
        self._own.accept(new)
        self._feed.changed(new.key_id, new.request_id)

    async def cancel(self, request_id: str) -> None:
        """Cancel a request: at once if it waits, else its worker is told by the database.

        Raises:
            StorageFailed: The database cannot be reached.
        """
        await self._store.cancel(request_id)
        self._rescuer.look()
        await self._read_some([request_id], [])

    async def worker_of(self, request_id: str) -> str | None:
        """Return the worker that has a request now; None where none has.

        Raises:
            StorageFailed: The database cannot be reached.
        """
        values = {"request_id": request_id}
        row = await self._database.read(lambda db: db.execute(_WORKER, values).fetchone())
        return None if row is None else row[0]

    def lively(self, record: Record) -> Record:
        """Return the record with what is told aside: progress, position, time left."""
        if record.status is Status.QUEUED:
            return replace(record, queue_position=self._mirror.position(record.request_id))
        if record.status is not Status.PROCESSING:
            return record
        progress = self._mirror.progress(record.request_id)
        if progress is None:
            return replace(record, progress=Progress.begin(None, 0).to_dict())
        left = progress.eta_seconds(time.monotonic())
        return replace(record, progress=progress.to_dict(), eta_seconds=left)

    def _hear_change(self, told: str) -> None:
        self._changed[told.partition(" ")[2]] = None
        self._news.set()

    def _hear_move(self, told: str) -> None:
        self._moved[told.partition(" ")[2]] = None
        self._news.set()

    def _again(self) -> None:
        self._all = True
        self._news.set()
        self._rescuer.look()

    async def _follow(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), _LOOK_S)
            self._news.clear()
            try:
                await self._catch_up()
            except StorageFailed as error:
                # Heard or not: what was told meanwhile is read with all the rest.
                _log.warning("what happens to requests cannot be read: %s", error)
                self._again()
                await asyncio.sleep(1)
            except Exception:  # noqa: BLE001 - without it no stream would tell anything any more
                _log.exception("following the requests stumbled")
                self._again()
                await asyncio.sleep(1)

    async def _catch_up(self) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._looked + _LOOK_S:
            self._looked = now
            self.ready = await self._rescue.ready(self._engine)
        changed, self._changed = self._changed, {}
        moved, self._moved = self._moved, {}
        if self._all:
            self._all = False
            await self._read_all()
            return
        names = [*changed, *(name for name in moved if name not in changed)]
        for at in range(0, len(names), _MOST_AT_ONCE):
            part = names[at : at + _MOST_AT_ONCE]
            await self._read_some(
                [name for name in part if name in changed],
                [name for name in part if name not in changed],
            )

    async def _read_some(self, changed: Sequence[str], moved: Sequence[str]) -> None:
        def look(db: Connection) -> tuple[list[Any], float]:
            return read_some(db, [*changed, *moved]), database_time(db)

        rows, now = await self._database.read(look)
        for seen in self._mirror.learn(rows, time.monotonic() - now):
            if seen.request_id in moved:
                self._feed.moved(seen.key_id, seen.request_id)
            else:
                await self._tell(seen)

    async def _read_all(self) -> None:
        def look(db: Connection) -> tuple[list[Any], list[str], float]:
            return *read_all(db), database_time(db)

        rows, keys, now = await self._database.read(look)
        for seen in self._mirror.learn_all(rows, keys, time.monotonic() - now):
            await self._tell(seen)

    async def _tell(self, seen: Seen) -> None:
        self._feed.changed(seen.key_id, seen.request_id)
        self._own.see(seen)
        if not seen.ended:
            return
        self._on_end(seen.request_id)
        if self._own.has(seen.request_id):
            found = await self._store.get(seen.request_id)
            if found is not None:
                self._own.end(found)
