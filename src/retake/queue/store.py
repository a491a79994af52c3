"""The requests on the disk: every statement that reads or writes them.

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
from retake.queue.record import NewRequest, Record
from retake.queue.schema import open_reader, open_writer
from retake.queue.writer import Writer

_INSERT = """
insert into requests (request_id, key_id, model, engine, payload, source_ref, seed, warnings,
                      created_at, queued_at, updated_at)
values (:request_id, :key_id, :model, :engine, :payload, :source_ref, :seed, :warnings,
        :now, :now, :now)
"""
_BEGIN = """
update requests
set status = 'processing', started_at = coalesce(started_at, :now), updated_at = :now
where request_id = :request_id and status in ('queued', 'processing')
"""
_STAGE = """
update requests set stage = :stage, updated_at = :now
where request_id = :request_id and status = 'processing'
"""
# Where the status is already a terminal one no row is found: the first end stands.
_END = """
update requests
set status = :status, outcome = :outcome, error = :error, finished_at = :now, updated_at = :now
where request_id = :request_id and status in ('queued', 'processing')
"""
_CANCEL_QUEUED = """
update requests set status = 'cancelled', finished_at = :now, updated_at = :now
where request_id = :request_id and status = 'queued'
"""
_CANCEL_BEGUN = """
update requests set cancel_requested = 1, updated_at = :now
where request_id = :request_id and status = 'processing'
"""
_LOST = """
update requests set crashes = crashes + :crashed, updated_at = :now
where request_id = :request_id and status = 'processing'
returning crashes, cancel_requested
"""
_CANCEL_ASKED = """
update requests set status = 'cancelled', finished_at = :now, updated_at = :now
where status = 'processing' and cancel_requested
"""
_UNFINISHED = """
select seq, request_id, key_id, status from requests
where status in ('queued', 'processing') order by seq
"""
_ONE = "select * from requests where request_id = ?"
_COUNT = """
select count(*) from requests
where key_id = :key_id
    and (:model is null or model = :model) and (:status is null or status = :status)
"""
_PAGE = """
select * from requests
where key_id = :key_id
    and (:model is null or model = :model) and (:status is null or status = :status)
    and (:before is null
         or seq < (select seq from requests where request_id = :before and key_id = :key_id))
order by seq desc limit :limit
"""


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
    """

    def __init__(self, path: Path, now: Callable[[], float]) -> None:
        self._now = now
        db = open_writer(path)
        # Somebody was told that these would stop, then the server went down before they did.
        db.execute(_CANCEL_ASKED, {"now": int(now())})
        self._writer = Writer(db)
        self._reader = open_reader(path)

    def close(self) -> None:
        """Write what waits and close the file."""
        # The reader first: the writer, as the last one, then folds the WAL into the file.
        self._reader.close()
        self._writer.close()

    async def insert(self, new: NewRequest) -> int:
        """Store a new request; returns its place in the order of all requests."""
        values = {
            "request_id": new.request_id,
            "key_id": new.key_id,
            "model": new.model,
            "engine": new.engine,
            "payload": _json(new.payload),
            "source_ref": new.source_ref,
            "seed": new.seed,
            "warnings": _json(list(new.warnings)),
            "now": int(self._now()),
        }
        return await self._writer.write(lambda db: _last_row(db.execute(_INSERT, values)))

    async def begin(self, request_id: str) -> bool:
        """Note that the engine works on it; False when it has ended."""
        return await self._changed(_BEGIN, request_id)

    async def set_stage(self, request_id: str, stage: str) -> bool:
        """Note the stage that it has reached."""
        return await self._changed(_STAGE, request_id, stage=stage)

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
            _END,
            request_id,
            status=status.value,
            outcome=None if outcome is None else _json(outcome),
            error=None if error is None else _json(error),
        )

    async def cancel(self, request_id: str) -> bool:
        """Cancel it if it waits, else note that it is to stop; returns whether it waited."""
        values = {"request_id": request_id, "now": int(self._now())}

        def cancel(db: sqlite3.Connection) -> bool:
            if db.execute(_CANCEL_QUEUED, values).rowcount:
                return True
            db.execute(_CANCEL_BEGUN, values)
            return False

        return await self._writer.write(cancel)

    async def lost(self, request_id: str, *, crashed: bool) -> Lost | None:
        """Note that the engine left while it worked on this; None when that has ended."""
        values = {"request_id": request_id, "now": int(self._now()), "crashed": int(crashed)}
        row = await self._writer.write(lambda db: db.execute(_LOST, values).fetchone())
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
            for row in self._reader.execute(_UNFINISHED).fetchall()
        ]

    def get(self, request_id: str) -> tuple[Record, str | None] | None:
        """Return a request and the last stage that was noted; None when there is none."""
        row = self._reader.execute(_ONE, (request_id,)).fetchone()
        return None if row is None else (_record(row), row["stage"])

    def page(
        self, key_id: str, model: str | None, status: Status | None, limit: int, before: str | None
    ) -> tuple[list[tuple[Record, str | None]], int]:
        """Return the key's requests with their last stages, newest first, and the number of all."""
        values = {
            "key_id": key_id,
            "model": model,
            "status": None if status is None else status.value,
            "limit": limit,
            "before": before,
        }
        rows = self._reader.execute(_PAGE, values).fetchall()
        total = self._reader.execute(_COUNT, values).fetchone()[0]
        return [(_record(row), row["stage"]) for row in rows], total

    async def _changed(self, statement: str, request_id: str, **values: Any) -> bool:
        values = {"request_id": request_id, "now": int(self._now()), **values}
        return await self._writer.write(lambda db: db.execute(statement, values).rowcount > 0)


def _last_row(cursor: sqlite3.Cursor) -> int:
    if cursor.lastrowid is None:
        raise sqlite3.InternalError("an insert gave no row id")
    return cursor.lastrowid


def _json(value: Any) -> str:
    # ASCII, since a payload may hold lone surrogates, which SQLite's UTF-8 cannot.
    return json.dumps(value, separators=(",", ":"))


def _record(row: sqlite3.Row) -> Record:
    return Record(
        request_id=row["request_id"],
        key_id=row["key_id"],
        model=row["model"],
        engine=row["engine"],
        status=Status(row["status"]),
        payload=json.loads(row["payload"]),
        source_ref=row["source_ref"],
        seed=row["seed"],
        warnings=tuple(json.loads(row["warnings"])),
        created_at=row["created_at"],
        queued_at=row["queued_at"],
        updated_at=row["updated_at"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        outcome=None if row["outcome"] is None else json.loads(row["outcome"]),
        error=None if row["error"] is None else json.loads(row["error"]),
    )
