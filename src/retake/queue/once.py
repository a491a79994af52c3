"""Knowing a submit again: which request an idempotency key gave, for as long as keys are kept.

What is known is written in the transaction that writes the request, so that neither is ever there
without the other, whenever the process is killed.
"""

from __future__ import annotations

from dataclasses import dataclass

from retake.core.errors import BadRequest
from retake.queue.database import Connection

_FIND = """
select request_id, digest from idempotency
where key_id = :key_id and idempotency_key = :key and created_at > :after
"""
_FORGET = "delete from idempotency where created_at <= :after"
_KEEP = """
insert into idempotency (key_id, idempotency_key, digest, request_id, created_at)
values (:key_id, :key, :digest, :request_id, :now) on conflict do nothing
"""


@dataclass(frozen=True, slots=True)
class Once:
    """What makes a submit known again: the client's key for it, and a digest of what it asks."""

    key: str
    digest: bytes


def find(db: Connection, key_id: str, once: Once, after: int) -> str | None:
    """Return the id of the request that was stored with `once` later than `after` (Unix time).

    Raises:
        BadRequest: Another request was stored with this key (``idempotency_key_reused``).
    """
    row = db.execute(_FIND, {"key_id": key_id, "key": once.key, "after": after}).fetchone()
    if row is None:
        return None
    request_id, digest = row
    if digest != once.digest:
        raise BadRequest(
            "idempotency_key_reused",
            f"this Idempotency-Key was sent before, with another body, which gave the request "
            f"{request_id}; accepted is the same body, or another key",
            param="Idempotency-Key",
        )
    return str(request_id)


def keep(db: Connection, key_id: str, once: Once, request_id: str, now: int, after: int) -> bool:
    """Note that `once` gave a request at `now`, and forget what is not later than `after`.

    Returns:
        False where another process has noted the same a moment ago: `find` finds that now.
    """
    values = {"key_id": key_id, "key": once.key, "digest": once.digest}
    db.execute(_FORGET, {"after": after})
    return db.execute(_KEEP, {**values, "request_id": request_id, "now": now}).rowcount > 0
