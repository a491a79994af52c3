"""``Cancel-After``: a request that has not ended by then is cancelled by the server.

The header's value is a number of seconds, or hours, minutes and seconds with their letters:
``90``, ``90s``, ``5m``, ``1h30m``.
"""

from __future__ import annotations

import re

from fastapi import Request

from retake.core.errors import BadRequest

MOST_S = 7 * 24 * 3600
_SECONDS = re.compile(r"(\d{1,6})", re.ASCII)
_DURATION = re.compile(r"(?=.)(?:(\d{1,3})h)?(?:(\d{1,5})m)?(?:(\d{1,6})s)?", re.ASCII)


def cancel_after_s(request: Request) -> int | None:
    """Return after how many seconds the client wants its request cancelled; None if never.

    Raises:
        BadRequest: ``Cancel-After`` is malformed or out of range (``bad_cancel_after``).
    """
    texts = request.headers.getlist("cancel-after")
    if not texts:
        return None
    seconds = _seconds(texts[0].strip().lower()) if len(texts) == 1 else 0
    if not 1 <= seconds <= MOST_S:
        raise BadRequest(
            "bad_cancel_after",
            f"Cancel-After is {', '.join(texts)[:40]!a}; accepted is a time from 1 s to "
            f"{MOST_S} s, such as 90, 90s, 5m or 1h30m",
            param="Cancel-After",
        )
    return seconds


def _seconds(text: str) -> int:
    if plain := _SECONDS.fullmatch(text):
        return int(plain[1])
    match = _DURATION.fullmatch(text)
    if match is None:
        return 0
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds
