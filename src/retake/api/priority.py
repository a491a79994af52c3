"""``Queue-Priority``: which of a key's own requests are worked on first.

It says nothing to the requests of other keys: keys take turns, whatever they send.
"""

from __future__ import annotations

from fastapi import Request

from retake.core.errors import BadRequest

HEADER = "queue-priority"
_VALUES = {"low": -1, "normal": 0, "high": 1}


def priority_of(request: Request) -> int:
    """Return the priority that a submit asks for: -1, 0 or 1; the highest goes first.

    Raises:
        BadRequest: ``Queue-Priority`` is none of its values (``bad_priority``).
    """
    texts = request.headers.getlist(HEADER)
    value = _VALUES.get(texts[0].strip().lower()) if len(texts) == 1 else None
    if texts and value is None:
        raise BadRequest(
            "bad_priority",
            f"Queue-Priority is {', '.join(texts)[:40]!a}; accepted is low, normal or high",
            param="Queue-Priority",
        )
    return value or 0
