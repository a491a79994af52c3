"""The model vendor's own API: ``POST /v1/retake`` answers the video, ``/v2/retake`` the request.

Shapes as the vendor's reference documents them: errors are ``{"type": "error", "error": {"type",
"message"}}``; moments are RFC 3339 in UTC; an id of ``/v2`` is the request's id here.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request, Response

from retake.api.admit import admit
from retake.api.answer import Json
from retake.api.auth import Caller
from retake.api.body import read_json_object
from retake.api.dialects.route import DialectRoute, failure_of, video_of
from retake.api.dialects.vendor_body import submit_of
from retake.api.errors import status_of
from retake.api.existing import existing
from retake.api.hold import hold
from retake.api.links import links_for
from retake.api.parts import ApiParts, parts_of
from retake.api.receiving import new_upload
from retake.api.sending import disposition, shown_name, stored_file
from retake.api.uploads import kept_until
from retake.core.errors import RetakeError
from retake.core.request import Status
from retake.queue.keys import KeyInfo
from retake.queue.record import Record

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "insufficient_funds_error",
    403: "permission_error",
    404: "not_found_error",
    410: "not_found_error",
    408: "invalid_request_error",
    413: "request_too_large",
    415: "invalid_request_error",
    429: "rate_limit_error",
    503: "service_unavailable",
}
_STATUSES = {
    Status.QUEUED: "pending",
    Status.PROCESSING: "processing",
    Status.SUCCESS: "completed",
    Status.FAILED: "failed",
    Status.CANCELLED: "failed",
}


class _Route(DialectRoute):
    @staticmethod
    def tell(error: RetakeError) -> tuple[int, dict[str, Any], dict[str, str]]:
        return status_of(error), {"type": "error", "error": error_json(error)}, {}


routes = APIRouter(route_class=_Route)


def error_json(error: RetakeError) -> dict[str, Any]:
    """Return an error as the vendor tells it, with our code and parameter beside."""
    status = status_of(error)
    kind = _TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")
    more = {"code": error.code, "param": error.param, "retryable": error.retryable}
    return {"type": kind, "message": error.message, **more}


@routes.post("/v1/retake")
async def retake_now(request: Request, caller: Caller) -> Response:
    """Answer the edited video itself; the work goes on when the client hangs up."""
    parts = parts_of(request)
    record, warnings = await _submitted(request, caller)
    record = await hold(request, parts, record, parts.dialect_hold_s)
    headers = {"X-Request-Id": record.request_id}
    if record.status is not Status.SUCCESS:
        return _Route.answer(_why_not(record, parts), headers)
    stored = await video_of(record, parts)
    shown = await shown_name(parts, stored.name)
    headers["Content-Disposition"] = disposition(shown, saved=True)
    answer = await stored_file(request, parts, stored, headers)
    for warning in warnings:
        answer.headers.append("Warning", f'299 retake "{_quotable(warning)}"')
    return answer


@routes.post("/v2/retake")
async def retake_later(request: Request, caller: Caller) -> Json:
    """Accept a request and answer its id."""
    record, warnings = await _submitted(request, caller)
    body = {"id": record.request_id, "created_at": _moment(record.created_at)}
    return Json({**body, "warnings": list(warnings)}, 202, {"X-Request-Id": record.request_id})


@routes.get("/v2/retake/{request_id}")
async def look(request: Request, request_id: str, caller: Caller) -> Json:
    """Return how a request stands, whichever dialect it was made in."""
    parts = parts_of(request)
    record = await existing(parts, request_id, caller)
    body: dict[str, Any] = {
        "id": record.request_id,
        "status": _STATUSES[record.status],
        "created_at": _moment(record.created_at),
    }
    if record.finished_at is not None:
        body["completed_at"] = _moment(record.finished_at)
    if record.status is Status.SUCCESS:
        stored = await video_of(record, parts)
        body["result"] = {"video_url": links_for(request).file(stored.name)}
    elif record.status.terminal:
        body["error"] = error_json(_failure(record))
    else:
        body["progress"] = record.progress
    return Json(body, headers={"X-Request-Id": record.request_id})


@routes.post("/v1/upload")
async def make_upload(request: Request, caller: Caller) -> Json:
    """Return a URL to PUT one video to, and what names it as a ``video_uri``."""
    parts, links = parts_of(request), links_for(request)
    upload = await new_upload(parts, caller.key_id, "mp4")
    return Json(
        {
            "upload_url": links.file(upload.name, "PUT"),
            "storage_uri": links.file(upload.name, "GET", kept_until(parts)),
            "expires_at": _moment(links.expires_at),
            # The bytes alone, of whatever type they are.
            "required_headers": {},
        }
    )


async def _submitted(request: Request, caller: KeyInfo) -> tuple[Record, tuple[str, ...]]:
    parts = parts_of(request)
    body = await read_json_object(
        request,
        max_bytes=parts.max_body_bytes,
        within_s=parts.body_s,
        inline_bytes=parts.data_uri_bytes,
    )
    submit, ignored = submit_of(body, parts.models)
    record, _ = await admit(request, submit, caller)
    return record, (*ignored, *record.warnings)


def _why_not(record: Record, parts: ApiParts) -> RetakeError:
    if record.status.terminal:
        return _failure(record)
    return RetakeError(
        "still_working",
        f"the video was not ready after {parts.dialect_hold_s:g} s; the work goes on: "
        f"GET /v2/retake/{record.request_id} answers it",
    )


def _failure(record: Record) -> RetakeError:
    if record.status is Status.CANCELLED:
        return RetakeError("cancelled", "the request was cancelled")
    return failure_of(record.error or {})


def _moment(unix_time: int) -> str:
    return datetime.fromtimestamp(unix_time, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _quotable(text: str) -> str:
    plain = "".join(c if " " <= c <= "~" else "?" for c in text)
    return plain.replace("\\", "\\\\").replace('"', '\\"')
