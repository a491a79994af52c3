"""The request that a slot has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from retake.core.watch import Stage
from retake.queue.fleet.claim import Claim


@dataclass(slots=True)
class Held:
    """A claimed request, and how far it is.

    Attributes:
        claim: The claim.
        request: What the child needs of it.
        model: The model that was asked for.
        trace: Its W3C ``traceparent``.
        stage: The stage that it has reached.
        sent: Whether the child was given it.
        told_at: When its progress was written last, on the monotonic clock.
    """

    claim: Claim
    request: dict[str, Any]
    model: str
    trace: str | None
    stage: Stage
    sent: bool = False
    told_at: float = 0.0
