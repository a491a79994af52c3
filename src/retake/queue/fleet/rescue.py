"""Rescue: what becomes of requests whose worker is gone. Any process may do it, at any time.

A claim whose lease has run out is dropped: another worker then goes on behind the last finished
step. A request that has ended its engine or its workers too often fails; one that was to be
cancelled is cancelled.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from retake.core.errors import EngineFailed
from retake.core.request import Status
from retake.queue.database import Connection, Database
from retake.queue.fault import crashed_engine
from retake.queue.fleet import statements as sql
from retake.queue.fleet.moment import Clock, database_time

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Doomed:
    """A request that nobody has and nobody is to go on with.

    Attributes:
        request_id: Which.
        status: How it ends.
        error: Why it failed.
    """

    request_id: str
    status: Status
    error: dict[str, Any] | None = None


class Rescue:
    """Looks after the requests of workers that are gone.

    Args:
        database: Where the requests are.
        clock: Tells the time, the same for all workers.
    """

    def __init__(self, database: Database, *, clock: Clock = database_time) -> None:
        self._database = database
        self._clock = clock

    async def drop_overdue(self) -> list[str]:
        """Drop the claims whose lease has run out; return their requests, which wait again."""
        return await self._database.write(self._drop_overdue)

    async def doomed(self) -> list[Doomed]:
        """Return requests that are to be ended; what they have left behind goes first."""
        rows = await self._database.read(lambda db: db.execute(sql.DOOMED).fetchall())
        return [_doom(*row) for row in rows]

    async def end(self, doomed: Doomed) -> bool:
        """End such a request; False when it has ended, or somebody works on it."""

        def end(db: Connection) -> bool:
            values = {
                "request_id": doomed.request_id,
                "status": doomed.status.value,
                "error": None if doomed.error is None else json.dumps(doomed.error),
                "second": int(self._clock(db)),
            }
            return db.execute(sql.END_DOOMED, values).rowcount > 0

        return await self._database.write(end)

    async def late(self) -> list[str]:
        """Return requests that have not ended though their time is over."""
        return await self._look(
            lambda db, now: [row[0] for row in db.execute(sql.LATE, {"now": int(now)}).fetchall()]
        )

    async def next_s(self) -> float | None:
        """Return in how many seconds a lease or a request's time runs out next; None for never."""

        def look(db: Connection, now: float) -> float | None:
            moments = (
                db.execute(sql.NEXT_LEASE).fetchone()[0],
                db.execute(sql.NEXT_DEADLINE).fetchone()[0],
            )
            known = [float(moment) - now for moment in moments if moment is not None]
            return max(min(known), 0.0) if known else None

        return await self._look(look)

    async def ready(self, engine: str) -> bool:
        """Return whether a worker is there that can do an engine's requests."""

        def look(db: Connection, now: float) -> bool:
            return bool(db.execute(sql.READY, {"now": now, "engine": engine}).fetchone()[0])

        return await self._look(look)

    async def _look(self, look: Callable[[Connection, float], T]) -> T:
        def with_time(db: Connection) -> T:
            return look(db, self._clock(db))

        return await self._database.read(with_time)

    def _drop_overdue(self, db: Connection) -> list[str]:
        now = self._clock(db)
        dropped: list[str] = []
        for request_id, attempt in db.execute(sql.OVERDUE[db.dialect], {"now": now}).fetchall():
            names = {"request_id": request_id, "attempt": attempt}
            db.execute(sql.DROP, names)
            back = {**names, "crashes": 0, "losses": 1, "second": int(now)}
            if db.execute(sql.GIVE_BACK, back).rowcount:
                dropped.append(request_id)
        # A name that has not been heard of for a day is nobody's any more.
        db.execute(sql.FORGET_GONE, {"before": now - 24 * 3600})
        return dropped


def _doom(request_id: str, crashes: int, losses: int, cancel_requested: int) -> Doomed:
    if cancel_requested:
        return Doomed(request_id, Status.CANCELLED)
    if crashes >= sql.MOST_CRASHES:
        return Doomed(request_id, Status.FAILED, crashed_engine(crashes))
    lost = EngineFailed(
        "lost_workers",
        f"{losses} workers were lost one after the other while they worked on this request",
    )
    return Doomed(request_id, Status.FAILED, lost.to_dict())
