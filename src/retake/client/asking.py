"""One call of the API: sent, repeated where that is safe, redirected, its refusals made errors."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from retake.client.effects import Answer, Call, Close, Flow, Sleep
from retake.client.errors import (
    AuthError,
    ConnectionLost,
    NotFound,
    RateLimited,
    RetakeAPIError,
)
from retake.client.reading import a_text, an_object
from retake.client.server import Server, join, origin

MOST_WAIT_S = 120.0
"""A server that asks for more patience than this before a call is repeated is told as an error."""

_REFUSED = frozenset({429, 503})
"""Nothing was done: the same call may come again, whatever it is."""
_UNSURE = frozenset({408, 502, 504})
"""Something in between gave up: what does the same each time may come again."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5
_FIRST_S, _LONGEST_S = 0.5, 10.0


def ask(
    server: Server,
    method: str,
    url: str,
    *,
    body: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    accepted: Collection[int] = (),
    repeatable: bool | None = None,
    read_s: float = 30.0,
) -> Flow[Answer]:
    """Make a call and return its answer.

    Args:
        server: Who is asked.
        method: The HTTP method.
        url: A path of the API, or a whole URL.
        body: Sent as JSON.
        headers: More headers.
        accepted: Statuses besides 2xx that are no errors.
        repeatable: Whether it may be sent again when the connection broke; by its method if None.
        read_s: How long the server may think, in seconds.

    Raises:
        RetakeAPIError: The server said no, or could not be reached.
    """
    whole = url if "://" in url else server.url(url)
    call = Call(
        method,
        whole,
        {**server.headers(whole), "Accept": "application/json", **(headers or {})},
        None if body is None else json.dumps(body).encode(),
        read_s,
    )
    if body is not None:
        call = replace(call, headers={**call.headers, "Content-Type": "application/json"})
    safe = method in {"GET", "HEAD", "DELETE", "PUT"} if repeatable is None else repeatable
    answer = yield from send(server, call, safe=safe)
    if not 200 <= answer.status < 300 and answer.status not in accepted:
        raise error_of(answer)
    return answer


def send(server: Server, call: Call, *, safe: bool) -> Flow[Answer]:
    """Send a call, again and again where it is `safe`; return the last answer, whatever it says.

    Where it is not, it is sent again only if it surely was not taken: the connection was never
    made, or the server said so (429, 503).

    Raises:
        ConnectionLost: The last attempt got no answer.
    """
    for attempt in range(server.tries):
        last = attempt == server.tries - 1
        try:
            answer = yield from _redirected(server, call)
        except ConnectionLost as error:
            if last or (error.sent and not safe):
                raise
            yield Sleep(pause_s(attempt))
            continue
        again = answer.status in _REFUSED or (safe and answer.status in _UNSURE)
        wait_s = retry_after(answer)
        if last or not again or (wait_s or 0) > MOST_WAIT_S:
            return answer
        if call.stream:
            yield Close(answer)
        yield Sleep(pause_s(attempt) if wait_s is None else wait_s)
    raise AssertionError("tries is less than 1")


def _redirected(server: Server, call: Call) -> Flow[Answer]:
    for _ in range(_MOST_REDIRECTS + 1):
        answer: Answer = yield call
        target = answer.headers.get("location")
        if answer.status not in _REDIRECTS or not target or call.method not in {"GET", "HEAD"}:
            return answer
        if call.stream:
            yield Close(answer)
        url = join(call.url, target)
        headers = dict(call.headers)
        if origin(url) != origin(server.base):
            headers.pop("Authorization", None)
        call = replace(call, url=url, headers=headers)
    raise RetakeAPIError("too_many_redirects", f"the server redirects {_MOST_REDIRECTS} times")


def pause_s(attempt: int) -> float:
    """Return how long to wait before attempt number `attempt` + 1; clients do not march in step."""
    # No secret hangs on this chance.
    return min(_FIRST_S * 2**attempt, _LONGEST_S) * random.uniform(0.5, 1.0)  # noqa: S311


def retry_after(answer: Answer) -> float | None:
    """Return how many seconds ``Retry-After`` (RFC 9110, 10.2.3) asks for; None if it does not."""
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max((at - datetime.fromtimestamp(time.time(), UTC)).total_seconds(), 0.0)


def error_of(answer: Answer) -> RetakeAPIError:
    """Return the error that an answer tells, whoever wrote it: us, the hosted service, a proxy."""
    raw = answer.json()
    told = raw.get("error")
    nested = an_object(told)
    text = a_text(told) or a_text(nested.get("message")) or a_text(raw.get("detail"))
    text = text or a_text(raw.get("title")) or a_text(raw.get("message")) or _plain(answer)
    if answer.status in _REDIRECTS:
        text = f"the server redirects to {answer.headers.get('location', '')[:100]!r}; use that"
    kind = {401: AuthError, 403: AuthError, 404: NotFound, 429: RateLimited}
    error = kind.get(answer.status, RetakeAPIError)(
        a_text(raw.get("code")) or f"http_{answer.status}",
        text,
        param=a_text(raw.get("param")),
        retryable=raw.get("retryable") is True or answer.status in _REFUSED | _UNSURE,
        status=answer.status,
        detail=a_text(raw.get("detail")),
        request_id=a_text(raw.get("request_id")),
        raw=raw,
    )
    if isinstance(error, RateLimited):
        error.retry_after = retry_after(answer)
    return error


def _plain(answer: Answer) -> str:
    text = answer.content[:200].decode("utf-8", "replace").strip()
    shown = text if text.isprintable() and not text.startswith("<") else ""
    return f"the server answered {answer.status}" + (f": {shown}" if shown else "")
