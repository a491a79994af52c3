"""Claims: a worker takes a request, holds it for as long as its lease is renewed, and ends it.

    claims = Claims(database, Able("host.1f3a", ("vfx",)))
    held = await claims.take()              # None: nothing that this worker may do waits
    await claims.renew()                    # every third of the lease; returns what is still held
    await claims.enter(held, "generate")    # False: somebody else has it now
    await claims.end(held, Status.SUCCESS, outcome={…})

Whatever is written of a request goes through the row of its claim. A worker that was stopped for
longer than its lease finds that row gone, and so changes nothing.
"""

from __future__ import annotations

import json
from typing import Any

from retake import __version__
from retake.core.request import Status
from retake.queue.database import Connection, Database, Dialect
from retake.queue.fleet import statements as sql
from retake.queue.fleet.claim import PROTOCOL, Able, Claim
from retake.queue.fleet.moment import Clock, database_time

__all__ = ["LEASE_S", "PROTOCOL", "Able", "Claim", "Claims"]

LEASE_S = 15.0


class Claims:
    """The claims of one worker.

    Args:
        database: Where the requests are.
        able: What the worker can do.
        lease_s: How long a claim holds without being renewed, in seconds.
        most_of_key: How many of one key's requests may be worked on at once; 0 is no limit.
        clock: Tells the time, the same for all workers.
    """

    def __init__(
        self,
        database: Database,
        able: Able,
        *,
        lease_s: float = LEASE_S,
        most_of_key: int = 0,
        clock: Clock = database_time,
    ) -> None:
        self._database = database
        self._able = able
        self._lease_s = lease_s
        self._most_of_key = most_of_key
        self._clock = clock
        self._left = False

    @property
    def worker(self) -> str:
        """The worker's name."""
        return self._able.worker

    @property
    def lease_s(self) -> float:
        """How long a claim holds without being renewed, in seconds."""
        return self._lease_s

    async def take(self) -> Claim | None:
        """Claim the request that is to be worked on next; None when there is none.

        First what somebody has begun and left; then the oldest of the highest priority of the key
        whose turn is longest ago. It is `processing` from now on.
        """
        # Every idle worker is told of a new request. Those that come too late for it see that here,
        # without standing in line for the lock.
        if await self._database.read(self._next) is None:
            return None
        return await self._database.write(self._take)

    async def renew(self, ready: int | None = None) -> tuple[dict[str, int], list[str]]:
        """Hold on to everything that is claimed for another lease.

        Args:
            ready: How many of the slots can work now; None is all.

        Returns:
            The attempt of each request that is still this worker's, and those of them that are to
            be cancelled.
        """
        able = self._able

        def renew(db: Connection) -> tuple[dict[str, int], list[str]]:
            values = {"worker": able.worker, "until": self._clock(db) + self._lease_s}
            held = db.execute(sql.RENEW, values).fetchall()
            about = {
                "engines": " ".join(able.engines),
                "slots": able.slots if ready is None else ready,
                "protocol": able.protocol,
                "version": __version__,
            }
            if not self._left:
                db.execute(sql.SEEN, {**values, **about})
            asked = db.execute(sql.ASKED, {"worker": able.worker}).fetchall()
            return {row[0]: row[1] for row in held}, [row[0] for row in asked]

        return await self._database.write(renew)

    async def progress(self, claim: Claim, done: int, total: int) -> bool:
        """Note how far the stage is; False when the claim is lost."""
        return await self._database.write(lambda db: _own(db, claim, done, total))

    async def enter(self, claim: Claim, stage: str) -> bool:
        """Note the stage that it has reached; False when the claim is lost."""

        def enter(db: Connection) -> bool:
            if not _own(db, claim, 0, 0):
                return False
            second = int(self._clock(db))
            row = db.execute(sql.STAGES, {"request_id": claim.request_id}).fetchone()
            stages = json.dumps([*json.loads(row[0]), [stage, second]], separators=(",", ":"))
            values = {**_names(claim), "stage": stage, "stages": stages, "second": second}
            return db.execute(sql.STAGE, values).rowcount > 0

        return await self._database.write(enter)

    async def end(
        self,
        claim: Claim,
        status: Status,
        *,
        outcome: dict[str, Any] | None = None,
        error: dict[str, Any] | None = None,
    ) -> bool:
        """Note how it ended; False when the claim is lost, and then nothing was written."""

        def end(db: Connection) -> bool:
            if not db.execute(sql.DROP, _names(claim)).rowcount:
                return False
            values = {
                **_names(claim),
                "status": status.value,
                "outcome": None if outcome is None else json.dumps(outcome),
                "error": None if error is None else json.dumps(error),
                "second": int(self._clock(db)),
            }
            if self._most_of_key and db.dialect is Dialect.POSTGRESQL:
                # Its end may be what another of the key's requests has waited for.
                db.execute("select pg_notify('retake_waiting', '')")
            return db.execute(sql.END, values).rowcount > 0

        return await self._database.write(end)

    async def give_back(self, claim: Claim, *, crashes: int = 0, losses: int = 0) -> bool:
        """Let another worker, or this one, go on with it; False when the claim was lost before.

        Args:
            claim: What is given back.
            crashes: 1 when the engine has ended on it by its own fault.
            losses: 1 when it has ended and nobody knows why.
        """

        def give_back(db: Connection) -> bool:
            if not db.execute(sql.DROP, _names(claim)).rowcount:
                return False
            values = {**_names(claim), "crashes": crashes, "losses": losses}
            values["second"] = int(self._clock(db))
            return db.execute(sql.GIVE_BACK, values).rowcount > 0

        return await self._database.write(give_back)

    async def asked(self) -> list[str]:
        """Return what the worker has and is to be cancelled."""
        values = {"worker": self._able.worker}
        rows = await self._database.read(lambda db: db.execute(sql.ASKED, values).fetchall())
        return [row[0] for row in rows]

    async def unended(self) -> list[str]:
        """Return the requests, whosever, that were begun and have not ended."""
        rows = await self._database.read(lambda db: db.execute(sql.BEGUN).fetchall())
        return [row[0] for row in rows]

    async def leave(self) -> None:
        """Note that the worker takes no more requests; what it has it may finish."""
        self._left = True
        values = {"worker": self._able.worker}
        await self._database.write(lambda db: db.execute(sql.GONE, values).rowcount)

    def _take(self, db: Connection) -> Claim | None:
        if db.dialect is Dialect.POSTGRESQL:
            db.execute(sql.LOCK)
        while (found := self._next(db)) is not None:
            request_id, key_id, waited = found
            now = self._clock(db)
            values = {"request_id": request_id, "worker": self._able.worker, "second": int(now)}
            row = db.execute(sql.TAKE, values).fetchone()
            if row is None:
                # Cancelled at this very moment.
                continue
            claim = Claim(request_id, row[0], row[1])
            times = {"now": now, "until": now + self._lease_s}
            worker = {"worker": self._able.worker, "stage": claim.stage, "key_id": key_id}
            db.execute(sql.CLAIM, {**_names(claim), **worker, **times})
            if waited:
                db.execute(sql.TURN, {"key_id": key_id})
            return claim
        return None

    def _next(self, db: Connection) -> tuple[str, str, bool] | None:
        """Return the request to work on, whose it is, and whether it costs the key its turn."""
        names = {f"engine_{n}": engine for n, engine in enumerate(self._able.engines)}
        engines = ", ".join(f":{name}" for name in names)
        values = {**names, "protocol": self._able.protocol}
        row = db.execute(sql.INTERRUPTED.format(engines=engines), values).fetchone()
        if row is not None:
            return row[0], row[1], False
        values["most_of_key"] = self._most_of_key
        row = db.execute(sql.NEXT.format(engines=engines), values).fetchone()
        return None if row is None else (row[0], row[1], True)


def _names(claim: Claim) -> dict[str, Any]:
    return {"request_id": claim.request_id, "attempt": claim.attempt}


def _own(db: Connection, claim: Claim, done: int, total: int) -> bool:
    """Write into the claim's row, which locks it until the commit; False when it is not there."""
    return db.execute(sql.OWN, {**_names(claim), "done": done, "total": total}).rowcount > 0
