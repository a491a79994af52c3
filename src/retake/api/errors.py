"""Every answer that says no: a problem document (RFC 9457), with the hosted API's ``error``.

HTTP statuses of errors are decided here and nowhere else.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from retake.api.answer import Json
from retake.api.watched import ERROR
from retake.core.errors import BadRequest, BadSource, RetakeError

_log = logging.getLogger(__name__)

PROBLEM = "application/problem+json"
"""The media type of problem documents."""

STATUSES = {
    "missing_key": 401,
    "malformed_key": 401,
    "wrong_key": 401,
    "bad_signature": 403,
    "metrics_forbidden": 403,
    "strange_origin": 403,
    "url_expired": 403,
    "unknown_model": 404,
    "unknown_request": 404,
    "unknown_webhook": 404,
    "unknown_delivery": 404,
    "unknown_path": 404,
    "unknown_upload": 404,
    "file_gone": 404,
    "file_not_found": 404,
    "wrong_method": 405,
    "slow_client": 408,
    "cancelled": 409,
    "exists": 409,
    "file_in_use": 409,
    "not_ended": 409,
    "upload_offset": 409,
    "file_removed": 410,
    "tus_version": 412,
    "too_many_webhooks": 409,
    "webhook_disabled": 409,
    "body_too_large": 413,
    "upload_too_large": 413,
    "upload_quota": 413,
    "data_uri_too_large": 413,
    "wrong_content_type": 415,
    "range_past_end": 416,
    "idempotency_key_reused": 422,
    "too_many_calls": 429,
    "too_many_dry_runs": 429,
    "too_many_uploads": 429,
    "too_many_listeners": 429,
    "too_many_unfinished": 429,
    "checksum_mismatch": 460,
    "database_unavailable": 503,
    "engine_starting": 503,
    "no_engine": 503,
    "queue_full": 503,
    "stopping": 503,
    "storage_unavailable": 503,
    "ran_out": 504,
    "still_working": 504,
    "disk_full": 507,
}
"""HTTP statuses by code; every other error is 400 where the user can mend it, else 500."""
_RETRY_AFTER_S = {429: "10", 503: "5", 507: "60"}
_OF_THE_USER = frozenset({BadRequest.kind, BadSource.kind, "fetch_failed"})


class Problem(Json):
    """An answer that says no."""

    media_type = PROBLEM

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and note the code for those who count."""
        scope[ERROR] = self.code
        await super().__call__(scope, receive, send)

    def render(self, content: Any) -> bytes:
        """Return the body."""
        self.code = str(content.get("code"))
        return super().render(content)


class Refusal(RetakeError):
    """Something that only HTTP knows of is wrong: the path, the key, the headers.

    `headers` go out with the answer, such as ``{"Allow": "GET"}``.
    """

    kind = "bad_request"

    def __init__(
        self,
        code: str,
        message: str,
        *,
        param: str | None = None,
        retryable: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code, message, param=param, retryable=retryable)
        self.headers = dict(headers or {})


def status_of(error: RetakeError) -> int:
    """Return the HTTP status that tells this error."""
    if error.code in STATUSES:
        return STATUSES[error.code]
    if error.kind in _OF_THE_USER:
        return 400
    return 500


def users_mistake(error: Mapping[str, Any]) -> bool:
    """Return whether the sender of a request has to change it; `error` is RetakeError.to_dict's."""
    return error.get("kind") in _OF_THE_USER


def error_body(error: RetakeError) -> dict[str, Any]:
    """Return the problem document that tells this error.

    ``type`` is relative to the server's address, where it leads to the code's explanation.
    """
    return {
        "type": f"/docs/errors#{error.code}",
        "title": error.code.replace("_", " ").capitalize(),
        "status": status_of(error),
        "error": error.message,
        "code": error.code,
        "param": error.param,
        "detail": error.message,
        "retryable": error.retryable,
    }


def error_response(error: RetakeError) -> Json:
    """Return the answer that tells this error."""
    status = status_of(error)
    headers = dict(error.headers) if isinstance(error, Refusal) else {}
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="retake"'
    if status in _RETRY_AFTER_S:
        headers.setdefault("Retry-After", _RETRY_AFTER_S[status])
    return Problem(error_body(error), status, headers)


def install(app: FastAPI) -> None:
    """Make `app` answer every error, also those of the framework, in our shape."""
    app.add_exception_handler(RetakeError, on_retake_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(Exception, _on_surprise)


async def on_retake_error(request: Request, error: Exception) -> Json:
    """Return the answer that tells this RetakeError, having logged it where it is ours."""
    assert isinstance(error, RetakeError)  # noqa: S101 - for the type checker
    if status_of(error) >= 500:
        _log.error("%s %s: %s", request.method, request.url.path, error.message)
    return error_response(error)


async def _on_http_exception(request: Request, error: Exception) -> Json:
    assert isinstance(error, HTTPException)  # noqa: S101 - for the type checker
    path = request.url.path[:200]
    if error.status_code == 405:
        allowed = dict(error.headers or {}).get("Allow", "")
        refusal = Refusal(
            "wrong_method",
            f"{request.method[:20]} is not possible on {path}; accepted is {allowed or 'GET'}",
            headers=error.headers,
        )
    elif error.status_code == 404:
        refusal = Refusal("unknown_path", f"there is nothing at {path}; see docs/api.md")
    else:
        refusal = Refusal("bad_http", str(error.detail), headers=error.headers)
    return error_response(refusal)


async def _on_validation_error(_request: Request, error: Exception) -> Json:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - for the type checker
    first = error.errors()[0]
    param = str(first["loc"][-1])
    found = f"{param} is {str(first.get('input'))[:40]!r}: {first['msg']}"
    return error_response(BadRequest("bad_query", found, param=param))


def surprised() -> Json:
    """Return the answer that tells of a mistake in the server."""
    internal = RetakeError(
        "internal", "something went wrong in the server; its log says what", retryable=True
    )
    return error_response(internal)


async def _on_surprise(_request: Request, _error: Exception) -> Json:
    # It is raised on to uvicorn afterwards, which logs it.
    return surprised()
