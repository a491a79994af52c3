"""Whether, and when, a message that was not taken is sent again."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from retake.queue.webhooks import Attempt, Delivery
from retake.queue.webhooks.target import ENDS, PING
from retake.queue.webhooks.verdict import Verdict

_DAY_S = 24 * 3600
_JITTER = 0.1
_BRIEF = 3
_BUSY = frozenset({429, 503})
_GONE = 410


@dataclass(frozen=True, slots=True)
class Patience:
    """How long it is tried.

    Attributes:
        waits_s: How long to wait after each failure, in seconds; one more is the last.
        disable_after_s: A webhook whose tries have all failed for so long is disabled.
        keep_s: How long the log of a delivery is kept after its end.
    """

    waits_s: tuple[int, ...] = (5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800, 28800)
    disable_after_s: int = 5 * _DAY_S
    keep_s: int = 7 * _DAY_S


def verdict(
    delivery: Delivery,
    attempt: Attempt,
    retry_after_s: int | None,
    patience: Patience,
    now: int,
    chance: float,
) -> Verdict:
    """Return what follows from a try.

    Args:
        delivery: What was tried, as it was before.
        attempt: How that went.
        retry_after_s: How long the other side asked to be left alone, if it did.
        patience: How long it is tried.
        now: Unix time in seconds.
        chance: From 0 to 1, drawn by lot: many messages that failed at once come back apart.
    """
    if attempt.good:
        return Verdict(None)
    if attempt.status_code == _GONE:
        return Verdict(None, gone=True)
    waits = patience.waits_s
    if delivery.event == PING:
        return Verdict(None, counts=False)
    if delivery.event not in ENDS:
        # News of a stage that is long over helps nobody.
        waits = waits[:_BRIEF]
    asked_s = min(retry_after_s or 0, _DAY_S)
    pause = now + asked_s if asked_s and attempt.status_code in _BUSY else None
    if delivery.tries >= len(waits):
        return Verdict(None, pause)
    wait_s = waits[delivery.tries] * (1 - _JITTER + 2 * _JITTER * chance)
    return Verdict(now + math.ceil(max(wait_s, asked_s)), pause)


def retry_after(header: str | None, now: int) -> int | None:
    """Return how many seconds ``Retry-After`` asks for; None where it says nothing of use.

    RFC 9110, section 10.2.3: a number of seconds, or a date.
    """
    text = (header or "").strip()
    if text.isascii() and text.isdecimal():
        return int(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(math.ceil((moment - datetime.fromtimestamp(now, UTC)).total_seconds()), 0)
