"""What a key may do how often: counted before the work begins, told with every answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.types import Scope

from retake.api.rates import Policy, Rates, policy_item

_TOLD = "retake.ratelimit"


@dataclass(frozen=True, slots=True)
class Quotas:
    """How often a key may call in a minute; 0 is no limit."""

    submits: int = 0
    calls: int = 0


class RateLimits:
    """All that is counted of the calls of a server.

    Args:
        quotas: What is allowed.
        clock: Gives monotonic time in seconds.
    """

    def __init__(self, quotas: Quotas, clock: Callable[[], float] = time.monotonic) -> None:
        self._calls = _rates(Policy("calls", quotas.calls), clock)
        self._submits = _rates(Policy("submits", quotas.submits), clock)

    def count_call(self, scope: Scope, key_id: str) -> None:
        """Count a call of any kind.

        Raises:
            Refusal: There were too many (429).
        """
        _count(self._calls, scope, key_id)

    def count_submit(self, scope: Scope, key_id: str) -> None:
        """Count a submit.

        Raises:
            Refusal: There were too many (429).
        """
        _count(self._submits, scope, key_id)


def rate_headers(scope: Scope) -> Mapping[str, str]:
    """Return the headers that tell what was counted for this call; none where nothing was."""
    told: list[tuple[str, str]] = scope.get(_TOLD, [])
    if not told:
        return {}
    items, policies = zip(*told, strict=True)
    return {"RateLimit": ", ".join(items), "RateLimit-Policy": ", ".join(policies)}


def _rates(policy: Policy, clock: Callable[[], float]) -> Rates | None:
    return Rates(policy, clock) if policy.quota else None


def _count(rates: Rates | None, scope: Scope, key_id: str) -> None:
    if rates is not None:
        item = rates.count(key_id)
        scope.setdefault(_TOLD, []).append((item, policy_item(rates.policy)))
