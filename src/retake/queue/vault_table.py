"""The vault of a fleet: keys that requests bring along, in the database that machines share."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from retake.queue.database import Database
from retake.queue.vault import Box

_KEEP = """
insert into upstream_keys (request_id, sealed, kept_at) values (:request_id, :sealed, :now)
on conflict (request_id) do update set sealed = excluded.sealed
"""
_ONE = "select sealed from upstream_keys where request_id = :request_id"
_OLD = "select request_id, sealed from upstream_keys where kept_at < :before"
_FORGET = "delete from upstream_keys where request_id = :request_id"
_YOUNG_S = 3600
"""The request of a younger key may be about to be stored, by another process maybe."""


class VaultTable:
    """Kept keys in a database of PostgreSQL's; a `KeptKeys`.

    Args:
        database: Gives the database, when it is first needed.
        secret: What all machines have in common, at least 32 bytes.
        now: Gives Unix time in seconds.
    """

    def __init__(
        self,
        database: Callable[[], Database],
        secret: bytes,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._open = database
        self._opened: Database | None = None
        self._box = Box(secret)
        self._now = now
        self._tasks: set[asyncio.Task[int]] = set()

    def keep(self, request_id: str, owner: str, key: str) -> None:
        """Keep a request's key; it is committed when this returns.

        Raises:
            StorageFailed: The database cannot be reached.
        """
        sealed = self._box.seal(request_id, owner, key)
        row = {"request_id": request_id, "sealed": sealed, "now": int(self._now())}
        self._database.write_now(lambda db: db.execute(_KEEP, row).rowcount)

    def key_of(self, request_id: str) -> str | None:
        """Return the key that a request brought along; None when it brought none."""
        values = {"request_id": request_id}
        row = self._database.read_now(lambda db: db.execute(_ONE, values).fetchone())
        return None if row is None else self._box.open(request_id, bytes(row["sealed"]))[1]

    def kept(self) -> list[tuple[str, str]]:
        """Return the requests that have had a key here for a while, each with its owner."""
        values = {"before": int(self._now()) - _YOUNG_S}
        rows = self._database.read_now(lambda db: db.execute(_OLD, values).fetchall())
        opened = [(row[0], self._box.open(row[0], bytes(row["sealed"]))[0]) for row in rows]
        return [(request_id, owner or "") for request_id, owner in opened]

    def forget(self, request_id: str) -> None:
        """Delete a request's key, soon; the database does so itself when a request ends."""
        values = {"request_id": request_id}
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._database.write_now(lambda db: db.execute(_FORGET, values).rowcount)
            return
        work = self._database.write(lambda db: db.execute(_FORGET, values).rowcount)
        task = loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._forgot)

    @property
    def _database(self) -> Database:
        if self._opened is None:
            self._opened = self._open()
        return self._opened

    def _forgot(self, task: asyncio.Task[int]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            # What could not be deleted now is swept by a later start.
            task.exception()
