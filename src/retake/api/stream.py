"""Server-sent events on the wire: the text of one, the stream of them, where a client goes on.

HTML Living Standard, section 9.2, "Server-sent events": an event is lines of ``field: value`` and
an empty line; a line that begins with a colon is a comment; a client that reconnects sends the last
``id`` that it got as ``Last-Event-ID``; an answer of 204 tells it to reconnect no more.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from retake.api.answer import json_bytes
from retake.core.errors import BadRequest

BEGINNING = b"retry: 2000\n\n"
"""What a stream begins with: how long a client is to wait before it reconnects, in milliseconds."""
HEARTBEAT = b": still here\n\n"
_NUMBER = re.compile(r"\d{1,15}", re.ASCII)


def event(name: str, data: dict[str, Any], number: int | None = None) -> bytes:
    """Return the text of one event; one without a number leaves the client's last id as it is."""
    first = b"" if number is None else b"id: %d\n" % number
    # JSON in one line: neither CR nor LF can stand in it unescaped.
    return b"%sevent: %s\ndata: %s\n\n" % (first, name.encode(), json_bytes(data))


def mark(number: int) -> bytes:
    """Return an event that nobody hears of, but whose number the client keeps."""
    return b"id: %d\n\n" % number


async def stream(events: AsyncGenerator[bytes]) -> Response:
    """Return the answer that sends `events` as they come, until they end or the client leaves.

    Raises:
        RetakeError: What `events` raised before it gave its `BEGINNING`.
    """
    beginning = await anext(events)
    return StreamingResponse(
        _behind(beginning, events),
        media_type="text/event-stream",
        # Asks proxies of the nginx kind not to keep events back.
        headers={"X-Accel-Buffering": "no"},
    )


def last_event(request: Request) -> int | None:
    """Return the number of the last event that the client has got; None at its first call.

    Raises:
        BadRequest: ``Last-Event-ID`` is none that was given out (``bad_event_id``).
    """
    text = request.headers.get("last-event-id", "").strip()
    if not text:
        return None
    if _NUMBER.fullmatch(text) is None:
        raise BadRequest(
            "bad_event_id",
            f"Last-Event-ID is {text[:40]!a}; accepted is the id of an event of this stream",
            param="Last-Event-ID",
        )
    return int(text)


async def _behind(beginning: bytes, events: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    yield beginning
    async with aclosing(events):
        async for each in events:
            yield each
