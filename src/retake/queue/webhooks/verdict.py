"""What a try means: for the message, and for the webhook that it went to."""

from __future__ import annotations

from dataclasses import dataclass

from retake.queue.database import Connection
from retake.queue.webhooks.delivery import Attempt, Delivery

_WORKED = """
update webhooks set failing_since = null, succeeded_at = :now where webhook_id = :webhook_id
"""
_FAILED = """
update webhooks set failing_since = coalesce(failing_since, :now)
where webhook_id = :webhook_id returning failing_since, disabled
"""
_DISABLE = """
update webhooks set disabled = :why, updated_at = :now where webhook_id = :webhook_id
"""
_STOP = """
update deliveries set status = 'failed', next_at = null, ended_at = :now
where webhook_id = :webhook_id and next_at is not null
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a try means for what comes next.

    Attributes:
        next_at: When the message is tried again (Unix time); None is never.
        pause_until: Until when nothing more is sent to that URL; None does not pause.
        gone: Whether the other side wants no more of it, ever.
        counts: Whether a failure counts against the webhook.
    """

    next_at: int | None
    pause_until: int | None = None
    gone: bool = False
    counts: bool = True


def judge(
    db: Connection,
    delivery: Delivery,
    attempt: Attempt,
    verdict: Verdict,
    now: int,
    disable_after_s: int,
) -> str | None:
    """Note what a try says of the webhook; returns why it was disabled, if it was."""
    values = {"webhook_id": delivery.webhook_id, "now": now}
    if delivery.webhook_id is None:
        return None
    if attempt.good:
        db.execute(_WORKED, values)
        return None
    row = db.execute(_FAILED, values).fetchone() if verdict.counts or verdict.gone else None
    if row is None or row[1] is not None:
        return None
    if not verdict.gone and now - row[0] < disable_after_s:
        return None
    why = "gone" if verdict.gone else "failing"
    db.execute(_DISABLE, {**values, "why": why})
    db.execute(_STOP, values)
    return why
