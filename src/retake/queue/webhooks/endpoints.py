"""The webhooks of all keys, and the keys' own signing secrets. For the event loop only."""

from __future__ import annotations

import json
import secrets as randomness
from collections.abc import Callable
from typing import Any

from retake.core.errors import BadRequest
from retake.queue.database import Connection, Database
from retake.queue.webhooks import secret as signing
from retake.queue.webhooks.target import Target, Webhook

_INSERT = """
insert into webhooks (webhook_id, key_id, url, lane, base, events, description, secrets,
                      created_at, updated_at)
values (:webhook_id, :key_id, :url, :lane, :base, :events, :description, :secrets, :now, :now)
"""
_COUNT = "select count(*) from webhooks where key_id = :key_id"
_ONE = "select * from webhooks where webhook_id = :webhook_id and key_id = :key_id"
_OF_KEY = "select * from webhooks where key_id = :key_id order by created_at, webhook_id"
_CHANGE = """
update webhooks set url = :url, lane = :lane, base = :base, events = :events,
    description = :description, disabled = :disabled, updated_at = :now,
    failing_since = case when :afresh then null else failing_since end
where webhook_id = :webhook_id and key_id = :key_id
"""
# What waits goes to the new URL: the old one may be what was wrong.
_MOVE = """
update deliveries set url = :url, lane = :lane, base = :base
where webhook_id = :webhook_id and next_at is not null
"""
_STOP = """
update deliveries set status = 'failed', next_at = null, ended_at = :now
where webhook_id = :webhook_id and next_at is not null
"""
_DELETE = "delete from webhooks where webhook_id = :webhook_id and key_id = :key_id"
_SECRETS = "select secrets from webhooks where webhook_id = :webhook_id"
_SET_SECRETS = """
update webhooks set secrets = :secrets, updated_at = :now where webhook_id = :webhook_id
"""
_OF_KEYS = "select secrets from webhook_secrets where key_id = :key_id"
_SET_OF_KEYS = """
insert into webhook_secrets (key_id, secrets, created_at) values (:key_id, :secrets, :now)
on conflict (key_id) do update set secrets = excluded.secrets
"""


class Endpoints:
    """Webhooks: made, listed, changed, removed.

    Args:
        database: Holds them.
        now: Gives Unix time in seconds.
    """

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    async def create(
        self, key_id: str, target: Target, description: str, most: int
    ) -> tuple[Webhook, str]:
        """Make a webhook; returns it and its secret, which is told this once.

        Raises:
            BadRequest: The key has `most` already (``too_many_webhooks``).
        """
        webhook_id, secret = "wh_" + randomness.token_hex(12), signing.new_secret()
        values = {
            "webhook_id": webhook_id,
            "key_id": key_id,
            **_columns(target),
            "description": description,
            "secrets": signing.first(secret),
            "now": int(self._now()),
        }

        def insert(db: Connection) -> None:
            if db.execute(_COUNT, values).fetchone()[0] >= most:
                raise BadRequest(
                    "too_many_webhooks",
                    f"the key has {most} webhooks, which is the most that is accepted; "
                    "change or delete one",
                )
            db.execute(_INSERT, values)

        await self._database.write(insert)
        found = await self.get(webhook_id, key_id)
        if found is None:
            raise LookupError(webhook_id)
        return found, secret

    async def get(self, webhook_id: str, key_id: str) -> Webhook | None:
        """Return one of the key's webhooks; None when it has none of that id."""
        row = await self._row(_ONE, webhook_id=webhook_id, key_id=key_id)
        return None if row is None else self._webhook(row)

    async def list(self, key_id: str) -> list[Webhook]:
        """Return the key's webhooks, oldest first."""
        values = {"key_id": key_id}
        rows = await self._database.read(lambda db: db.execute(_OF_KEY, values).fetchall())
        return [self._webhook(row) for row in rows]

    async def change(
        self, before: Webhook, target: Target, description: str, *, enabled: bool
    ) -> Webhook | None:
        """Change a webhook; what waits to be delivered follows it, or fails once it is disabled.

        Returns:
            It as it is now; None when it was deleted meanwhile.
        """
        values = {
            "webhook_id": before.webhook_id,
            "key_id": before.key_id,
            **_columns(target),
            "description": description,
            "disabled": None if enabled else before.disabled or "asked",
            # It was mended, maybe: it gets all the days again before it is given up.
            "afresh": before.disabled is not None or target.url != before.url,
            "now": int(self._now()),
        }

        def change(db: Connection) -> None:
            db.execute(_CHANGE, values)
            db.execute(_MOVE if enabled else _STOP, values)

        await self._database.write(change)
        return await self.get(before.webhook_id, before.key_id)

    async def delete(self, webhook: Webhook) -> None:
        """Remove a webhook; what waits is no longer sent, the log stays until it is cleaned."""
        values = {
            "webhook_id": webhook.webhook_id,
            "key_id": webhook.key_id,
            "now": int(self._now()),
        }

        def delete(db: Connection) -> None:
            db.execute(_STOP, values)
            db.execute(_DELETE, values)

        await self._database.write(delete)

    async def rotate(self, webhook: Webhook, grace_s: int) -> str:
        """Give a webhook a new secret and return it; the old one signs on for `grace_s` seconds."""
        secret, now = signing.new_secret(), int(self._now())

        def rotate(db: Connection) -> None:
            row = db.execute(_SECRETS, {"webhook_id": webhook.webhook_id}).fetchone()
            if row is not None:
                stored = signing.rotated(row[0], secret, now, grace_s)
                values = {"webhook_id": webhook.webhook_id, "secrets": stored, "now": now}
                db.execute(_SET_SECRETS, values)

        await self._database.write(rotate)
        return secret

    async def rotate_of_key(self, key_id: str, grace_s: int) -> str:
        """Give a key a new secret for its requests' own webhooks; see `rotate`."""
        secret, now = signing.new_secret(), int(self._now())

        def rotate(db: Connection) -> None:
            row = db.execute(_OF_KEYS, {"key_id": key_id}).fetchone()
            stored = (
                signing.first(secret)
                if row is None
                else signing.rotated(row[0], secret, now, grace_s)
            )
            db.execute(_SET_OF_KEYS, {"key_id": key_id, "secrets": stored, "now": now})

        await self._database.write(rotate)
        return secret

    async def old_secret_until(self, key_id: str) -> int | None:
        """Return until when a key's secret before signs too; None when only one does."""
        row = await self._row(_OF_KEYS, key_id=key_id)
        return None if row is None else signing.old_until(row[0], int(self._now()))

    async def has_secret(self, key_id: str) -> bool:
        """Return whether the key has a secret for its requests' own webhooks."""
        return await self._row(_OF_KEYS, key_id=key_id) is not None

    async def secrets(self, webhook_id: str | None, key_id: str) -> tuple[str, ...]:
        """Return what a message is signed with: the webhook's secrets, else the key's own.

        A key that has none is given one: a message always carries a signature.
        """
        query = _OF_KEYS if webhook_id is None else _SECRETS
        row = await self._row(query, webhook_id=webhook_id, key_id=key_id)
        if row is not None:
            return signing.alive(row[0], int(self._now()))
        return () if webhook_id else await self._first_of_key(key_id)

    async def _first_of_key(self, key_id: str) -> tuple[str, ...]:
        now = int(self._now())
        stored = signing.first(signing.new_secret())
        values = {"key_id": key_id, "secrets": stored, "now": now}

        def insert(db: Connection) -> str:
            row = db.execute(_OF_KEYS, {"key_id": key_id}).fetchone()
            if row is None:
                db.execute(_SET_OF_KEYS, values)
            return stored if row is None else row[0]

        return signing.alive(await self._database.write(insert), now)

    async def _row(self, query: str, **values: Any) -> Any:
        return await self._database.read(lambda db: db.execute(query, values).fetchone())

    def _webhook(self, row: Any) -> Webhook:
        return Webhook(
            webhook_id=row["webhook_id"],
            key_id=row["key_id"],
            url=row["url"],
            events=tuple(json.loads(row["events"])),
            description=row["description"],
            disabled=row["disabled"],
            created_at=row["created_at"],
            updated_at=row["updated_at"],
            failing_since=row["failing_since"],
            succeeded_at=row["succeeded_at"],
            old_secret_until=signing.old_until(row["secrets"], int(self._now())),
        )


def _columns(target: Target) -> dict[str, str]:
    return {**target.to_dict(), "events": json.dumps(list(target.events))}
