"""Looking at requests and models, and stopping a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from retake.client.asking import ask
from retake.client.effects import Emit, Flow
from retake.client.errors import RetakeAPIError
from retake.client.reading import Raw, a_list, a_text, an_object
from retake.client.results import Request
from retake.client.server import Server

_NO_ROUTE = frozenset({404, 405, 501})


def get(server: Server, request_id: str) -> Flow[Request]:
    """Return a request as it stands.

    Raises:
        NotFound: The key has no such request.
    """
    answer = yield from ask(server, "GET", f"/requests/{_named(request_id)}")
    return Request.parse(answer.json())


def cancel(server: Server, request_id: str) -> Flow[Request]:
    """Cancel a request; one that has ended stays as it is. Return it as it then stands.

    Raises:
        RetakeAPIError: The server cannot cancel (``no_cancel``).
    """
    path = f"/requests/{_named(request_id)}"
    answer = yield from ask(server, "DELETE", path, accepted=_NO_ROUTE)
    if answer.status in _NO_ROUTE and answer.json().get("code") != "unknown_request":
        answer = yield from ask(
            server, "POST", f"{path}/cancel", repeatable=True, accepted=_NO_ROUTE
        )
    if answer.status < 300:
        raw = answer.json()
        return Request.parse(raw) if raw.get("request_id") else (yield from get(server, request_id))
    # A server that has no such route says 404 as well: then the request itself is there.
    yield from get(server, request_id)
    raise RetakeAPIError(
        "no_cancel",
        f"this server cannot cancel; request {request_id} goes on",
        status=answer.status,
        request_id=request_id,
    )


def pages(
    server: Server,
    *,
    model: str | None,
    status: str | None,
    created_after: str | int | None,
    created_before: str | int | None,
    page_size: int | None,
) -> Flow[None]:
    """Emit the key's requests, newest first, page by page as they are wanted."""
    asked: dict[str, Any] = {
        "model_id": model,
        "status": status,
        "created_after": created_after,
        "created_before": created_before,
        "limit": page_size,
    }
    query = {name: value for name, value in asked.items() if value is not None}
    seen: set[str] = set()
    while True:
        path = f"/requests?{urlencode(query)}" if query else "/requests"
        answer = yield from ask(server, "GET", path)
        raw = answer.json()
        records = [Request.parse(an_object(each)) for each in a_list(raw.get("requests"))]
        # A server that does not know `cursor` would give the first page for ever.
        fresh = [record for record in records if record.id not in seen]
        seen.update(record.id for record in fresh)
        for record in fresh:
            yield Emit(record)
        cursor = a_text(raw.get("next_cursor"))
        if cursor is None or not fresh:
            return
        query["cursor"] = cursor


def models(server: Server) -> Flow[tuple[str, ...]]:
    """Return the ids of the server's models."""
    raw = (yield from ask(server, "GET", "/models")).json()
    ids = [a_text(each) for each in a_list(raw.get("model_ids"))]
    details = [a_text(an_object(each).get("model")) for each in a_list(raw.get("models"))]
    return tuple(dict.fromkeys(each for each in [*ids, *details] if each))


def model(server: Server, model_id: str) -> Flow[Raw]:
    """Return what a model is, as the server tells it.

    Raises:
        NotFound: There is none of that id.
    """
    raw = (yield from ask(server, "GET", f"/models/{_named(model_id)}")).json()
    server.learnt.retakes = bool(an_object(raw.get("engine")).get("id"))
    return raw


def dry_run(server: Server, payload: Mapping[str, Any], model_id: str) -> Flow[Raw]:
    """Return what a submit would do, without doing it.

    Raises:
        RetakeAPIError: It would be refused; or the server knows no dry run, which is found out
            before anything is sent that it could take for a submit (``no_dry_run``).
    """
    if server.learnt.retakes is None:
        yield from model(server, model_id)
    if not server.learnt.retakes:
        raise RetakeAPIError("no_dry_run", "this server has no dry run")
    body = {"model": model_id, "payload": dict(payload)}
    answer = yield from ask(
        server, "POST", "/requests?dry_run=1", body=body, repeatable=True, read_s=180
    )
    return answer.json()


def _named(name: str) -> str:
    return quote(name, safe="")
