"""Signing secrets: random, shown once, replaced without a gap.

Standard Webhooks 1.0.0: a secret is 24 to 64 random bytes, written ``whsec_`` and base64; while one
replaces another, messages carry a signature of each.
"""

from __future__ import annotations

import base64
import json
import secrets as randomness
from typing import Any

PREFIX = "whsec_"
_BYTES = 32
_MOST = 4
"""So many are kept at once: each costs a signature in every message."""


def new_secret() -> str:
    """Return a new secret."""
    return PREFIX + base64.b64encode(randomness.token_bytes(_BYTES)).decode()


def first(secret: str) -> str:
    """Return how a first secret is stored."""
    return json.dumps([[secret, None]])


def rotated(stored: str, secret: str, now: int, grace_s: int) -> str:
    """Return how `secret` is stored before those that are there, which end in `grace_s` seconds."""
    until = now + grace_s
    kept = [[old, min(end or until, until)] for old, end in _alive(stored, now)]
    return json.dumps([[secret, None], *(pair for pair in kept if pair[1] > now)][:_MOST])


def alive(stored: str, now: int) -> tuple[str, ...]:
    """Return the secrets that messages are signed with now, the newest first."""
    return tuple(str(secret) for secret, _ in _alive(stored, now))


def old_until(stored: str, now: int) -> int | None:
    """Return when the last of the replaced secrets ends; None when there is none."""
    return max((int(end) for _, end in _alive(stored, now)[1:] if end is not None), default=None)


def _alive(stored: str, now: int) -> list[Any]:
    return [pair for pair in json.loads(stored) if pair[1] is None or pair[1] > now]
