"""The requests on the disk.

Writes take effect only where they are allowed: a request that has ended never changes again.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retake.core.request import Status
from retake.queue import once, statements
from retake.queue.listing import Listing
from retake.queue.once import Once
from retake.queue.record import NewRequest, Record
from retake.queue.results import Results
from retake.queue.rows import record_of, record_of_new
from retake.queue.schema import open_reader, open_writer
from retake.queue.webhooks import Webhooks
from retake.queue.writer import Writer

_ENCODER = json.JSONEncoder(separators=(",", ":"))

Discard = Callable[[str], None]
"""``discard(request_id)`` removes the files that a request without a result has left behind."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A request that has to be taken up again when the server starts.

    `place` is its number in the order of all requests; `begun` whether the engine had begun it.
    """

    place: int
    request_id: str
    key_id: str
    begun: bool


@dataclass(frozen=True, slots=True)
class Lost:
    """How often the engine has died on a request by now, and whether it was to be cancelled."""

    crashes: int
    cancel_requested: bool


class Store:
    """The requests in one SQLite file. Reads are for one thread, the event loop's.

    Args:
        path: The file; made when it is not there.
        now: Gives Unix time in seconds.
        known_s: How long an idempotency key is known, in seconds.
        discard: Removes what was stored of a request that is found to be cancelled.

    Attributes:
        listing: Lists of them.
        results: Their files.
        webhooks: Who is to be told of them.
    """

    def __init__(
        self, path: Path, now: Callable[[], float], known_s: int, discard: Discard
    ) -> None:
        self._now = now
        self._known_s = known_s
        db = open_writer(path)
        # Somebody was told that these would stop, then the server went down before they did.
        for row in db.execute(statements.ASKED).fetchall():
            discard(row[0])
        db.execute(statements.CANCEL_ASKED, {"now": int(now())})
        self._writer = Writer(db)
        self._reader = open_reader(path)
        self.listing = Listing(self._reader)
        self.results = Results(self._writer, self._reader, now)
        self.webhooks = Webhooks(self._writer, self._reader, now)

    def close(self) -> None:
        """Write what waits and close the file."""
        # The reader first: the writer, as the last one, then folds the WAL into the file.
        self._reader.close()
        self._writer.close()

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
            "puts": None if new.puts is None else _json(new.puts),
            "webhook": None if new.webhook is None else _json(new.webhook.to_dict()),
            "now": now,
        }

        def insert(db: sqlite3.Connection) -> tuple[str, int]:
            if known is not None:
                stored = once.find(db, new.key_id, known, now - self._known_s)
                if stored is not None:
                    return stored, 0
                once.keep(db, new.key_id, known, new.request_id, now, now - self._known_s)
            return new.request_id, _last_row(db.execute(statements.INSERT, values))

        request_id, place = await self._writer.write(insert)
        return record_of_new(new, now, place) if place else self.existing(request_id)

    def find(self, key_id: str, known: Once) -> str | None:
        """Return the id of the request that was stored with the same `known`; None if none was.

        Raises:
            BadRequest: Another one was stored with its key (``idempotency_key_reused``).
        """
        return once.find(self._reader, key_id, known, int(self._now()) - self._known_s)

    async def begin(self, request_id: str) -> bool:
        """Note that the engine works on it; False when it has ended."""
        return await self._changed(statements.BEGIN, request_id)

    async def set_stage(self, request_id: str, stage: str) -> bool:
        """Note the stage that it has reached."""
        return await self._changed(statements.STAGE, request_id, stage=stage)

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

        def cancel(db: sqlite3.Connection) -> bool:
            if db.execute(statements.CANCEL_QUEUED, values).rowcount:
                return True
            db.execute(statements.CANCEL_BEGUN, values)
            return False

        return await self._writer.write(cancel)

    async def lost(self, request_id: str, *, crashed: bool) -> Lost | None:
        """Note that the engine left while it worked on this; None when that has ended."""
        values = {"request_id": request_id, "now": int(self._now()), "crashed": int(crashed)}
        row = await self._writer.write(lambda db: db.execute(statements.LOST, values).fetchone())
        return None if row is None else Lost(row[0], bool(row[1]))

    def unfinished(self) -> list[Unfinished]:
        """Return every request that has not ended, in the order in which they came."""
        return [
            Unfinished(
                row["seq"],
                row["request_id"],
                row["key_id"],
                row["status"] == Status.PROCESSING,
            )
            for row in self._reader.execute(statements.UNFINISHED).fetchall()
        ]

    def deadlines(self) -> dict[str, int]:
        """Return when each request that has not ended is to be cancelled, if ever (Unix time)."""
        return dict(self._reader.execute(statements.DEADLINES).fetchall())

    def get(self, request_id: str) -> Record | None:
        """Return a request; None when there is none of that id."""
        row = self._reader.execute(statements.ONE, (request_id,)).fetchone()
        return None if row is None else record_of(row)

    def existing(self, request_id: str) -> Record:
        """Return a request that was stored before.

        Raises:
            LookupError: It was not.
        """
        found = self.get(request_id)
        if found is None:
            raise LookupError(request_id)
        return found

    async def _changed(self, statement: str, request_id: str, **values: Any) -> bool:
        values = {"request_id": request_id, "now": int(self._now()), **values}
        return await self._writer.write(lambda db: db.execute(statement, values).rowcount > 0)


def _last_row(cursor: sqlite3.Cursor) -> int:
    if cursor.lastrowid is None:
        raise sqlite3.InternalError("an insert gave no row id")
    return cursor.lastrowid


def _json(value: Any) -> str:
    # ASCII, since a payload may hold lone surrogates, which SQLite's UTF-8 cannot.
    return _ENCODER.encode(value)
