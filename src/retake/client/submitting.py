"""Submitting a request once, whatever the connection does.

The idempotency key is made once for each submit, so sending it again gives the same request on a
server that honours it, as every instance of retake does. Where it is not known that the server does
and the connection broke in between, nothing is sent again: the request is looked for in the list,
for it may have been accepted, and paid.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from fractions import Fraction
from typing import Any

from retake.client.asking import ask, error_of
from retake.client.effects import Answer, Flow
from retake.client.errors import ConnectionLost, RetakeAPIError
from retake.client.reading import Raw, a_list, an_object
from retake.client.results import Request
from retake.client.server import Server
from retake.core.errors import BadRequest
from retake.core.timing import FrameCount, parse_time

SUBMIT_READ_S = 180.0
"""Servers of synchronous models answer a submit when the work is done, after a minute or two."""
_CLOCKS_S = 5.0

Seconds = float | Fraction | str
"""A time in seconds; as a text also ``0:02.500``."""

Webhook = str | Mapping[str, Any]
"""A URL that is told of a request, or ``{"url": …, "events": […]}``."""


def payload_for(
    video_uri: str,
    start: Seconds | None,
    duration: Seconds | None,
    more: Mapping[str, Any],
) -> dict[str, Any]:
    """Return a submit's payload; what is None is left to the server.

    Raises:
        BadRequest: A time is none (``bad_time``).
    """
    payload = {
        "video_uri": video_uri,
        "start_time": None if start is None else seconds("start", start),
        "duration": None if duration is None else seconds("duration", duration),
        **more,
    }
    return {name: value for name, value in payload.items() if value is not None}


def seconds(param: str, value: Seconds) -> float:
    """Return a time as the wire has it.

    Raises:
        BadRequest: It is no time, or counts frames, which a server does not (``bad_time``).
    """
    if not isinstance(value, str):
        return float(value)
    try:
        found = parse_time(value)
    except ValueError as error:
        raise BadRequest("bad_time", f"{param}: {error}", param=param) from error
    if isinstance(found, FrameCount):
        raise BadRequest(
            "bad_time",
            f"{param} is {value!r}; a server takes seconds: 2.5 or 0:02.500",
            param=param,
        )
    return float(found)


def new_key() -> str:
    """Return a new idempotency key."""
    return str(uuid.uuid4())


def submit(
    server: Server,
    payload: Mapping[str, Any],
    *,
    model: str,
    idempotency_key: str | None = None,
    wait_s: float | None = None,
    cancel_after: str | None = None,
    headers: Mapping[str, str] | None = None,
    webhook: Webhook | None = None,
) -> Flow[Request]:
    """Submit a request; return it as the server first tells it, maybe failed already.

    Args:
        server: Who is asked.
        payload: The request's parameters.
        model: The model's id.
        idempotency_key: Its own key; made here when None.
        wait_s: How long the server may hold the answer back; None answers at once where it can.
        cancel_after: The request's deadline, such as ``5m``.
        headers: More headers.
        webhook: Who is told of it.

    Raises:
        RetakeAPIError: It was refused; nothing was accepted.
        ConnectionLost: It may or may not have been accepted.
    """
    prefer = "respond-async" if wait_s is None else f"wait={max(int(wait_s), 0)}"
    sent = {
        "Idempotency-Key": idempotency_key or new_key(),
        "Prefer": prefer,
        **({"Cancel-After": cancel_after} if cancel_after else {}),
        **(headers or {}),
    }
    body: Raw = {"model": model, "payload": dict(payload)}
    if webhook is not None:
        body["webhook"] = webhook
    began = time.time()

    def once(*, sure: bool) -> Flow[Answer]:
        return ask(
            server,
            "POST",
            "/requests",
            body=body,
            headers=sent,
            accepted={400},
            repeatable=sure,
            read_s=SUBMIT_READ_S + (wait_s or 0),
        )

    try:
        answer = yield from once(sure=server.learnt.retakes is True)
    except ConnectionLost as error:
        if not error.sent or server.learnt.retakes:
            raise
        answer = yield from _unsure(server, body, began, lambda: once(sure=True), error)
    except RetakeAPIError as error:
        if error.status not in {408, 502, 504}:
            raise
        answer = yield from _unsure(server, body, began, lambda: once(sure=True), error)
    raw = answer.json()
    if not raw.get("request_id"):
        raise error_of(answer)
    return Request.parse(raw)


def _unsure(
    server: Server, body: Raw, began: float, again: Any, error: RetakeAPIError
) -> Flow[Answer]:
    """Find out what became of a submit that got no answer."""
    if server.learnt.retakes is None:
        model = yield from ask(server, "GET", f"/models/{body['model']}", accepted={404})
        server.learnt.retakes = bool(an_object(model.json().get("engine")).get("id"))
    if server.learnt.retakes:
        return (yield from again())
    listed = yield from ask(server, "GET", f"/requests?model_id={body['model']}")
    since = _now_there(listed) - (time.time() - began) - _CLOCKS_S
    for raw in a_list(listed.json().get("requests")):
        record = Request.parse(an_object(raw))
        if (record.created_at or 0) >= since and _same(record.payload, body["payload"]):
            return (yield from ask(server, "GET", f"/requests/{record.id}"))
    lost = ConnectionLost(
        "submit_unknown",
        f"the submit got no answer ({error.message}), and the list of requests does not show it "
        "yet; look there before it is sent again, or it may be done and paid twice",
    )
    raise lost from error


def _same(told: Raw, sent: Raw) -> bool:
    return bool(told) and all(told.get(name) == value for name, value in sent.items())


def _now_there(answer: Answer) -> float:
    """Return what time it is on the server's clock."""
    try:
        return parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
    except ValueError:
        return time.time()
