"""Lists of a key's requests: every page is read off an index, however many requests there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from retake.core.request import Status
from retake.queue.database import Connection, Database
from retake.queue.record import Record
from retake.queue.rows import record_of

MOST_COUNTED = 10_000
"""A total within a range of time is counted no further than this."""
_END_OF_TIME = 2**62

_PLACE = "select created_at, seq from requests where request_id = :request_id and key_id = :key_id"
_PAIRS = """
select model, status, n from counts
where key_id = :key_id and n > 0
    and (cast(:model as text) is null or model = :model)
    and (cast(:status as text) is null or status = :status)
"""
_TOTAL = f"select cast(sum(n) as bigint) from ({_PAIRS}) as pairs"  # noqa: S608 - constants only
_WITHIN = "created_at >= :since and (created_at, seq) < (:at, :seq)"
_NEWEST = "order by created_at desc, seq desc limit :limit"
_OF_KEY = f"select seq, created_at from requests where key_id = :key_id and {_WITHIN} {_NEWEST}"  # noqa: S608
_NONE = "select seq, created_at from requests where 1 = 0"
_CHANGED = """
select * from requests where key_id = :key_id and (updated_at, seq) > (:at, :seq)
order by updated_at, seq limit :limit
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is narrowed to; None does not narrow it.

    `since` and `until` are Unix time in whole seconds; they bound the moment of creation,
    half-open: ``since <= created_at < until``.
    """

    model: str | None = None
    status: Status | None = None
    since: int | None = None
    until: int | None = None

    @property
    def timed(self) -> bool:
        """Whether it is narrowed to a range of time."""
        return self.since is not None or self.until is not None


class Listing:
    """Lists requests.

    Args:
        database: Holds them.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, key_id: str, wanted: Wanted, limit: int, before: str | None
    ) -> tuple[list[Record], int]:
        """Return at most `limit` of the key's requests, newest first, and how many there are.

        Args:
            key_id: Whose requests.
            wanted: Which of them.
            limit: At most so many.
            before: Only those older than the request of this id; none at all when the key has no
                such request.
        """

        def read(db: Connection) -> tuple[list[Any], int]:
            values = _values(db, key_id, wanted, limit, before)
            rows = [] if values is None else _rows(db, wanted, values)
            return rows, _total(db, key_id, wanted)

        rows, total = await self._database.read(read)
        return [record_of(row) for row in rows], total

    async def holds(self, key_id: str, request_id: str) -> bool:
        """Return whether the key has a request of that id."""
        values = {"request_id": request_id, "key_id": key_id}
        row = await self._database.read(lambda db: db.execute(_PLACE, values).fetchone())
        return row is not None

    async def changed(self, key_id: str, at: int, place: int, limit: int) -> list[Record]:
        """Return requests that changed after one of place `place` did at `at`, in that order."""
        values = {"key_id": key_id, "at": at, "seq": place, "limit": limit}
        rows = await self._database.read(lambda db: db.execute(_CHANGED, values).fetchall())
        return [record_of(row) for row in rows]


def _total(db: Connection, key_id: str, wanted: Wanted) -> int:
    """Return how many there are; within a range of time `MOST_COUNTED` at most."""
    values = _values(db, key_id, wanted, MOST_COUNTED, None)
    if values is None or not wanted.timed:
        return db.execute(_TOTAL, _names(key_id, wanted)).fetchone()[0] or 0
    inner, values = _newest(db, wanted, values)
    some = f"select 1 from ({inner}) as newest limit :limit"  # noqa: S608
    return db.execute(f"select count(*) from ({some}) as counted", values).fetchone()[0]  # noqa: S608


def _rows(db: Connection, wanted: Wanted, values: dict[str, Any]) -> list[Any]:
    inner, values = _newest(db, wanted, values)
    query = f"select requests.* from ({inner}) as newest join requests using (seq)"  # noqa: S608
    order = "order by requests.created_at desc, seq desc limit :limit"
    return db.execute(f"{query} {order}", values).fetchall()


def _newest(db: Connection, wanted: Wanted, values: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return a query for the newest rows' places, and its values.

    Where the list is narrowed to a model or a status, each pair of the two that occurs is read
    off the index of its own, since one index cannot serve both alone.
    """
    if wanted.model is None and wanted.status is None:
        return _OF_KEY, values
    pairs = db.execute(_PAIRS, _names(values["key_id"], wanted)).fetchall()
    queries: list[str] = []
    for n, pair in enumerate(pairs):
        values |= {f"model{n}": pair["model"], f"status{n}": pair["status"]}
        queries.append(
            f"select * from (select seq, created_at from requests where key_id = :key_id "  # noqa: S608
            f"and model = :model{n} and status = :status{n} and {_WITHIN} {_NEWEST}) as pair{n}"
        )
    return " union all ".join(queries) or _NONE, values


def _values(
    db: Connection, key_id: str, wanted: Wanted, limit: int, before: str | None
) -> dict[str, Any] | None:
    """Return the values of a page's query; None when `before` is no request of the key."""
    # Rows of the moment `until` are already too young, and no row has the place 0.
    upper = (_END_OF_TIME if wanted.until is None else wanted.until, 0)
    if before is not None:
        row = db.execute(_PLACE, {"request_id": before, "key_id": key_id}).fetchone()
        if row is None:
            return None
        upper = min(upper, tuple(row))
    return {
        "key_id": key_id,
        "since": wanted.since or 0,
        "at": upper[0],
        "seq": upper[1],
        "limit": limit,
    }


def _names(key_id: str, wanted: Wanted) -> dict[str, str | None]:
    status = None if wanted.status is None else wanted.status.value
    return {"key_id": key_id, "model": wanted.model, "status": status}
