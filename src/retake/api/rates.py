"""How often a key may call: counted for every key, told in ``RateLimit`` headers."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from retake.api.errors import Refusal

_SWEEP_AT = 10_000


@dataclass(frozen=True, slots=True)
class Policy:
    """So many calls of a kind in so many seconds; `quota` 0 is no limit."""

    name: str
    quota: int
    window_s: int = 60


class Rates:
    """Counts one kind of call, for each key by itself. For the server's event loop only.

    It is the generic cell rate algorithm (ITU-T I.371, annex A): a key may use up its quota at
    once, and gets it back evenly. All that is kept of a key is one moment, and only until its whole
    quota has come back.

    Args:
        policy: What is allowed.
        clock: Gives monotonic time in seconds.
    """

    def __init__(self, policy: Policy, clock: Callable[[], float]) -> None:
        self.policy = policy
        self._clock = clock
        # When each key will have its whole quota again.
        self._whole_at: dict[str, float] = {}

    def count(self, key_id: str) -> str:
        """Count a call; return the `RateLimit` item that tells what is left.

        Raises:
            Refusal: The quota is used up (``too_many_calls``, 429); the call is not counted.
        """
        policy, now = self.policy, self._clock()
        each_s = policy.window_s / policy.quota
        whole_at = max(self._whole_at.get(key_id, now), now) + each_s
        spare_s = policy.window_s - (whole_at - now)
        # A thousandth of a call, against the rounding of sums.
        if spare_s < -each_s / 1000:
            raise self._refusal(math.ceil(-spare_s))
        if len(self._whole_at) >= _SWEEP_AT:
            self._whole_at = {key: at for key, at in self._whole_at.items() if at > now}
        self._whole_at[key_id] = whole_at
        return self._item(math.floor(spare_s / each_s + 1e-3), math.ceil(whole_at - now))

    def _refusal(self, wait_s: int) -> Refusal:
        policy = self.policy
        return Refusal(
            "too_many_calls",
            f"more than {policy.quota} {policy.name} in {policy.window_s} s were made with this "
            f"key; the next one is accepted in {wait_s} s",
            retryable=True,
            headers={
                "Retry-After": str(wait_s),
                "RateLimit": self._item(0, wait_s),
                "RateLimit-Policy": policy_item(policy),
            },
        )

    def _item(self, left: int, back_s: int) -> str:
        return f'"{self.policy.name}";r={max(left, 0)};t={back_s}'


def policy_item(policy: Policy) -> str:
    """Return the policy as an item of `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers)."""
    return f'"{policy.name}";q={policy.quota};w={policy.window_s}'
