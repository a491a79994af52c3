"""What the tests of bad input share: sending it, and judging the answer."""

from __future__ import annotations

from typing import Any

import httpx

from tests.api.live import API, MODEL, PAYLOAD, Live

POST = f"{API}/requests"


def checked(answer: httpx.Response, status: int | None = None) -> dict[str, Any]:
    """Return the error that an answer tells, after making sure that it has our shape."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body = answer.json()
    if status is not None:
        assert answer.status_code == status, answer.text
    assert 400 <= answer.status_code < 500, answer.text
    assert isinstance(body["error"], str)
    assert body["error"]
    assert body["detail"] == body["error"]
    assert body["status"] == answer.status_code
    assert body["type"] == f"/docs/errors#{body['code']}"
    assert body["title"]
    assert isinstance(body["code"], str)
    assert isinstance(body["retryable"], bool)
    assert body["param"] is None or isinstance(body["param"], str)
    assert "Traceback" not in answer.text
    return body


def sent(server: Live, body: bytes, **headers: str) -> httpx.Response:
    named = {"Content-Type": "application/json"}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    return server.client.post(POST, content=body, headers=named)


def with_payload(**changes: object) -> dict[str, Any]:
    return {"model": MODEL, "payload": {**PAYLOAD, **changes}}
