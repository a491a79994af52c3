"""What is to be delivered, and the log of what was. For the event loop only."""

from __future__ import annotations

import json
import secrets as randomness
from collections.abc import Callable
from typing import Any

from retake.queue.database import Connection, Database, Dialect
from retake.queue.waiting import Waiting
from retake.queue.webhooks.delivery import Attempt, Delivery, delivery_of
from retake.queue.webhooks.target import PING
from retake.queue.webhooks.verdict import Verdict, judge

_MOST_ATTEMPTS = 30
"""So many of a delivery's tries are kept."""
_AT_ONCE = 1000
_LOOK_S = 1.0

_LANES = (
    "select lane, min(next_at) as first from deliveries where next_at is not null group by lane"
)
# By its place alone: the index of what is due holds all that waits, which may be a lot.
_NEW = "select lane, next_at, seq from deliveries not indexed where seq > :after"
# Transactions of many processes become visible in another order than that of their places.
_DUE = "select distinct lane from deliveries where next_at <= :now"
_WAITING = "select count(*) from deliveries where next_at is not null"
_LAST = "select coalesce(max(seq), 0) from deliveries"
_EARLIEST = """
select seq, delivery_id, next_at from deliveries
where lane = :lane and next_at is not null order by next_at, seq limit :limit
"""
_ONE = "select * from deliveries where delivery_id = :delivery_id"
_OF_WEBHOOK = """
select * from deliveries where webhook_id = :name and seq < :before order by seq desc limit :limit
"""
_OF_REQUEST = """
select * from deliveries where request_id = :name and key_id = :key_id and seq < :before
order by seq desc limit :limit
"""
_PING = """
insert into deliveries (delivery_id, key_id, webhook_id, url, lane, base, event, created_at,
                        next_at)
select :delivery_id, key_id, webhook_id, url, lane, base, :event, :now, :now
from webhooks where webhook_id = :webhook_id
"""
_LOG = "select attempts from deliveries where delivery_id = :delivery_id"
_TRIED = """
update deliveries set attempts = :attempts, tries = tries + 1,
    status = case when :good then 'delivered' when next_at is null then status
        when cast(:next_at as bigint) is null then 'failed' else 'pending' end,
    ended_at = case when :good or cast(:next_at as bigint) is null or next_at is null
        then coalesce(ended_at, :now) end,
    next_at = case when :good or next_at is null then null else cast(:next_at as bigint) end
where delivery_id = :delivery_id
"""
# It goes where the webhook points now: the old URL may be what was wrong.
_AGAIN = """
update deliveries set status = 'pending', tries = 0, next_at = :now, ended_at = null,
    (url, lane, base) = (
        select coalesce(max(url), deliveries.url), coalesce(max(lane), deliveries.lane),
            coalesce(max(base), deliveries.base)
        from webhooks where webhook_id = deliveries.webhook_id)
where delivery_id = :delivery_id
"""
_PAUSE = """
update deliveries set next_at = :until where lane = :lane and url = :url and next_at < :until
"""
_CLEAN = """
delete from deliveries where seq in (
    select seq from deliveries where ended_at is not null and ended_at < :before limit :limit)
"""


class Outbox:
    """Messages to be delivered, and those that were.

    Args:
        database: Holds them.
        now: Gives Unix time in seconds.

    Attributes:
        on_lane: Called with a lane in which something is due now.
        on_change: Called when there may be new messages.
    """

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now
        self._tried = Waiting()
        self.on_lane: Callable[[str], None] = _nobody
        self.on_change: Callable[[], None] = _nothing

    async def lanes(self) -> dict[str, int]:
        """Return when each lane's first message is due (Unix time)."""
        return {row["lane"]: row["first"] for row in await self._rows(_LANES)}

    @property
    def look_s(self) -> float | None:
        """How often to look for new messages without being told, in seconds; None is never."""
        return None if self._database.dialect is Dialect.SQLITE else _LOOK_S

    async def new(self, after: int) -> tuple[set[str], int]:
        """Return which lanes have messages of a place behind `after`, and the last place.

        On PostgreSQL they are the lanes in which something is due, whatever the places.
        """
        if self._database.dialect is Dialect.POSTGRESQL:
            rows = await self._rows(_DUE, now=int(self._now()))
            return {row["lane"] for row in rows}, after
        rows = await self._rows(_NEW, after=after)
        lanes = {row["lane"] for row in rows if row["next_at"] is not None}
        return lanes, max((row["seq"] for row in rows), default=after)

    async def last_place(self) -> int:
        """Return the place of the last message."""
        return (await self._rows(_LAST))[0][0]

    async def earliest(self, lane: str, limit: int) -> list[tuple[str, int]]:
        """Return a lane's first messages, at most `limit`: their ids and when they are due."""
        rows = await self._rows(_EARLIEST, lane=lane, limit=limit)
        return [(row["delivery_id"], row["next_at"]) for row in rows]

    async def get(self, delivery_id: str) -> Delivery | None:
        """Return a delivery; None when there is none of that id."""
        rows = await self._rows(_ONE, delivery_id=delivery_id)
        return delivery_of(rows[0]) if rows else None

    async def of_webhook(self, webhook_id: str, limit: int, before: int) -> list[Delivery]:
        """Return a webhook's deliveries of a place before `before`, newest first."""
        rows = await self._rows(_OF_WEBHOOK, name=webhook_id, limit=limit, before=before)
        return [delivery_of(row) for row in rows]

    async def of_request(
        self, request_id: str, key_id: str, limit: int, before: int
    ) -> list[Delivery]:
        """Return a request's deliveries of a place before `before`, newest first."""
        values = {"name": request_id, "key_id": key_id, "limit": limit, "before": before}
        return [delivery_of(row) for row in await self._rows(_OF_REQUEST, **values)]

    async def count_waiting(self) -> int:
        """Return how many messages wait to be delivered, or to be tried again."""
        return (await self._rows(_WAITING))[0][0]

    async def ping(self, webhook_id: str) -> str:
        """Put a message into the outbox that only says that it came; returns its id."""
        delivery_id = "msg_" + randomness.token_hex(16)
        values = {
            "delivery_id": delivery_id,
            "webhook_id": webhook_id,
            "event": PING,
            "now": int(self._now()),
        }
        await self._database.write(lambda db: db.execute(_PING, values))
        self.on_change()
        return delivery_id

    async def again(self, delivery: Delivery) -> Delivery:
        """Deliver a message once more, from now on; its id stays the same."""
        values = {"delivery_id": delivery.delivery_id, "now": int(self._now())}
        await self._database.write(lambda db: db.execute(_AGAIN, values))
        now_is = await self.get(delivery.delivery_id) or delivery
        self.on_lane(now_is.lane)
        return now_is

    async def when_tried(self, delivery_id: str, timeout_s: float) -> Delivery | None:
        """Return a delivery once it has been tried, or as it is after `timeout_s` seconds."""
        found, left_s = await self.get(delivery_id), timeout_s
        while found is not None and not found.attempts and left_s > 0:
            # It may be another process that tries.
            for_s = min(left_s, self.look_s or left_s)
            await self._tried.wait(delivery_id, for_s)
            left_s -= for_s
            found = await self.get(delivery_id)
        return found

    async def tried(
        self, delivery: Delivery, attempt: Attempt, verdict: Verdict, disable_after_s: int
    ) -> str | None:
        """Note a try, and what comes next of it.

        Args:
            delivery: What was tried.
            attempt: How that went.
            verdict: What follows.
            disable_after_s: A webhook that has failed for so long, in seconds, is disabled.

        Returns:
            Why the webhook was disabled, if it was.
        """
        now = int(self._now())

        def note(db: Connection) -> str | None:
            row = db.execute(_LOG, {"delivery_id": delivery.delivery_id}).fetchone()
            if row is None:
                return None
            log = [*json.loads(row[0]), attempt.to_dict()][-_MOST_ATTEMPTS:]
            values = {
                "delivery_id": delivery.delivery_id,
                "attempts": json.dumps(log),
                "good": attempt.good,
                "next_at": verdict.next_at,
                "now": now,
            }
            db.execute(_TRIED, values)
            if verdict.pause_until is not None:
                where = {"lane": delivery.lane, "url": delivery.url}
                db.execute(_PAUSE, {**where, "until": verdict.pause_until})
            return judge(db, delivery, attempt, verdict, now, disable_after_s)

        why = await self._database.write(note)
        self._tried.release(delivery.delivery_id)
        return why

    async def clean(self, before: int) -> int:
        """Remove from the log what ended before a moment (Unix time); returns how much that was."""
        removed, values = 0, {"before": before, "limit": _AT_ONCE}
        while True:
            some = await self._database.write(lambda db: db.execute(_CLEAN, values).rowcount)
            removed += some
            if some < _AT_ONCE:
                return removed

    async def _rows(self, query: str, **values: Any) -> list[Any]:
        return await self._database.read(lambda db: db.execute(query, values).fetchall())


def _nothing() -> None:
    return


def _nobody(_lane: str) -> None:
    return
