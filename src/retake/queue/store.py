"""The requests on the disk.

Writes take effect only where they are allowed: a request that has ended never changes again.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from retake.core.request import Status
from retake.queue import once, statements
from retake.queue.database import Connection, Database, Dialect
from retake.queue.listing import Listing
from retake.queue.once import Once
from retake.queue.record import NewRequest, Record
from retake.queue.results import Results
from retake.queue.rows import record_of, record_of_new
from retake.queue.unfinished import UNLIMITED, Capacity, check_room
from retake.queue.webhooks import Webhooks

_ENCODER = json.JSONEncoder(separators=(",", ":"))

Discard = Callable[[str], None]
"""``discard(request_id)`` removes the files that a request without a result has left behind."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A request that has to be taken up again when the server starts.

    `place` is its number in the order of all requests; `begun` whether the engine had begun it;
    `priority` its place among its key's own.
    """

    place: int
    request_id: str
    key_id: str
    begun: bool
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Lost:
    """How often the engine has died on a request by now, and whether it was to be cancelled."""

    crashes: int
    cancel_requested: bool


class Store:
    """The requests in one database.

    Args:
        database: Holds them; closed by `close`.
        now: Gives Unix time in seconds.
        known_s: How long an idempotency key is known, in seconds.
        capacity: How many requests of a key may be unfinished at once.

    Attributes:
        listing: Lists of them.
        results: Their files.
        webhooks: Who is to be told of them.
    """

    def __init__(
        self,
        database: Database,
        now: Callable[[], float],
        known_s: int,
        capacity: Capacity = UNLIMITED,
    ) -> None:
        self._now = now
        self._capacity = capacity
        self._known_s = known_s
        self._database = database
        self.listing = Listing(database)
        self.results = Results(database, now)
        self.webhooks = Webhooks(database, now)

    def close(self) -> None:
        """Write what waits and close the database."""
        self._database.close()

    async def insert(self, new: NewRequest, known: Once | None = None) -> Record:
        """Store a new request and return it; or the one that was stored with the same `known`.

        Raises:
            BadRequest: Another one was stored with its key (``idempotency_key_reused``).
        """
        now = int(self._now())
        values = {
            "request_id": new.request_id,
            "key_id": new.key_id,
            "model": new.model,
            "engine": new.engine,
            "payload": _json(new.payload),
            "source_ref": new.source_ref,
            "seed": new.seed,
            "warnings": _json(list(new.warnings)),
            "cancel_at": new.cancel_at,
            "trace": new.trace,
            "priority": new.priority,
            "needs": new.needs,
            "puts": None if new.puts is None else _json(new.puts),
            "webhook": None if new.webhook is None else _json(new.webhook.to_dict()),
            "now": now,
        }

        def insert(db: Connection) -> tuple[str, int]:
            if known is not None:
                after, kept = now - self._known_s, False
                while not kept:
                    stored = once.find(db, new.key_id, known, after)
                    if stored is not None:
                        return stored, 0
                    kept = once.keep(db, new.key_id, known, new.request_id, now, after)
            if db.dialect is Dialect.POSTGRESQL:
                # The other processes' requests count, too; they may have come a moment ago.
                check_room(db, new.key_id, self._capacity)
            return new.request_id, db.execute(statements.INSERT, values).fetchone()["seq"]

        request_id, place = await self._database.write(insert)
        return record_of_new(new, now, place) if place else await self.existing(request_id)

    async def find(self, key_id: str, known: Once) -> str | None:
        """Return the id of the request that was stored with the same `known`; None if none was.

        Raises:
            BadRequest: Another one was stored with its key (``idempotency_key_reused``).
        """
        after = int(self._now()) - self._known_s
        return await self._database.read(lambda db: once.find(db, key_id, known, after))

    async def begin(self, request_id: str) -> bool:
        """Note that the engine works on it; False when it has ended."""
        return await self._changed(statements.BEGIN, request_id)

    async def set_stage(self, request_id: str, stage: str) -> bool:
        """Note the stage that it has reached."""
        values = {"request_id": request_id, "now": int(self._now()), "stage": stage}
        return await self._database.write(
            lambda db: db.execute(statements.STAGE[db.dialect], values).rowcount > 0
        )

    async def end(
        self,
        request_id: str,
        status: Status,
        *,
        outcome: dict[str, Any] | None = None,
        error: dict[str, Any] | None = None,
    ) -> bool:
        """Note how it ended; False when it had ended before, which then stands."""
        return await self._changed(
            statements.END,
            request_id,
            status=status.value,
            outcome=None if outcome is None else _json(outcome),
            error=None if error is None else _json(error),
        )

    async def cancel(self, request_id: str) -> bool:
        """Cancel it if it waits, else note that it is to stop; returns whether it waited."""
        values = {"request_id": request_id, "now": int(self._now())}

        def cancel(db: Connection) -> bool:
            if db.execute(statements.CANCEL_QUEUED, values).rowcount:
                return True
            db.execute(statements.CANCEL_BEGUN, values)
            return False

        return await self._database.write(cancel)

    async def lost(self, request_id: str, *, crashed: bool) -> Lost | None:
        """Note that the engine left while it worked on this; None when that has ended."""
        values = {"request_id": request_id, "now": int(self._now()), "crashed": int(crashed)}
        row = await self._database.write(lambda db: db.execute(statements.LOST, values).fetchone())
        return None if row is None else Lost(row[0], bool(row[1]))

    def unfinished(self) -> list[Unfinished]:
        """Return every request that has not ended, in the order in which they came; for starts."""
        rows = self._database.read_now(lambda db: db.execute(statements.UNFINISHED).fetchall())
        return [
            Unfinished(
                row["seq"],
                row["request_id"],
                row["key_id"],
                row["status"] == Status.PROCESSING,
                row["priority"],
            )
            for row in rows
        ]

    def end_asked(self, discard: Discard) -> None:
        """Cancel those that somebody was told would stop before the server went down; for starts.

        Args:
            discard: Removes what was stored of one.
        """
        for row in self._database.read_now(lambda db: db.execute(statements.ASKED).fetchall()):
            discard(row[0])
        stopped = {"now": int(self._now())}
        self._database.write_now(lambda db: db.execute(statements.CANCEL_ASKED, stopped).rowcount)

    def deadlines(self) -> dict[str, int]:
        """Return when each unfinished request is to be cancelled (Unix time); for starts."""
        rows = self._database.read_now(lambda db: db.execute(statements.DEADLINES).fetchall())
        return {row["request_id"]: row["cancel_at"] for row in rows}

    async def get(self, request_id: str) -> Record | None:
        """Return a request; None when there is none of that id."""
        values = {"request_id": request_id}
        row = await self._database.read(lambda db: db.execute(statements.ONE, values).fetchone())
        return None if row is None else record_of(row)

    def get_now(self, request_id: str) -> Record | None:
        """Return a request, while the caller's thread waits; None when there is none."""
        values = {"request_id": request_id}
        row = self._database.read_now(lambda db: db.execute(statements.ONE, values).fetchone())
        return None if row is None else record_of(row)

    async def existing(self, request_id: str) -> Record:
        """Return a request that was stored before.

        Raises:
            LookupError: It was not.
        """
        found = await self.get(request_id)
        if found is None:
            raise LookupError(request_id)
        return found

    async def _changed(self, statement: str, request_id: str, **values: Any) -> bool:
        values = {"request_id": request_id, "now": int(self._now()), **values}
        return await self._database.write(lambda db: db.execute(statement, values).rowcount > 0)


def _json(value: Any) -> str:
    # ASCII, since a payload may hold lone surrogates, which SQLite's UTF-8 cannot.
    return _ENCODER.encode(value)
