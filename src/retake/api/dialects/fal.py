"""The queue of fal: submit, status, result and cancel below ``/fal``; ``/fal/run`` waits.

Paths, keys and statuses as the published ``fal-client`` 1.0.3 sends and reads them. A model is
called ``owner/alias`` with an optional path; the later calls name ``owner/alias`` alone, and here
they find the caller's request by its id, whatever it was made with.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from retake.api.admit import admit
from retake.api.answer import Json
from retake.api.auth import Caller
from retake.api.body import read_json_object
from retake.api.dialects.fal_answers import (
    REQUEST_ID,
    TIMEOUT_TYPE,
    FalRoute,
    failure,
    result,
    status,
)
from retake.api.dialects.fal_body import submit_of
from retake.api.dialects.fal_stream import statuses
from retake.api.existing import existing
from retake.api.hold import hold
from retake.api.links import links_for
from retake.api.parts import parts_of
from retake.api.stream import stream
from retake.core.errors import BadRequest
from retake.core.request import Status
from retake.queue.keys import KeyInfo
from retake.queue.record import Record

_ONE = "/{owner}/{alias}/requests/{request_id}"
_CANCEL_S = 1.5

routes = APIRouter(prefix="/fal", route_class=FalRoute)


@routes.get(f"{_ONE}/status")
async def get_status(request: Request, request_id: str, caller: Caller) -> Json:
    """Return how a request stands."""
    record = await existing(parts_of(request), request_id, caller)
    return _answer(status(request, record), 200 if record.status.terminal else 202, record)


@routes.get(f"{_ONE}/status/stream")
async def stream_status(request: Request, request_id: str, caller: Caller) -> Response:
    """Stream how a request stands, until it has ended."""
    record = await existing(parts_of(request), request_id, caller)
    return await stream(statuses(request, record))


@routes.get(_ONE)
@routes.get(f"{_ONE}/response")
async def get_result(request: Request, request_id: str, caller: Caller) -> Json:
    """Return what a request gave."""
    record = await existing(parts_of(request), request_id, caller)
    return await _result(request, record)


@routes.put(f"{_ONE}/cancel")
async def cancel(request: Request, request_id: str, caller: Caller) -> Json:
    """Cancel a request that has not ended."""
    parts = parts_of(request)
    record = await existing(parts, request_id, caller)
    if record.status.terminal:
        return _answer({"status": "ALREADY_COMPLETED"}, 400, record)
    record = await parts.requests.cancel(request_id, caller.key_id) or record
    if not record.status.terminal:
        record = await hold(request, parts, record, _CANCEL_S)
    return _answer({"status": "CANCELLATION_REQUESTED"}, 202, record)


@routes.post("/run/{app:path}")
async def run(request: Request, app: str, caller: Caller) -> Json:
    """Do a request and answer what it gave."""
    parts = parts_of(request)
    record = await hold(
        request, parts, await _submitted(request, app, caller), parts.dialect_hold_s
    )
    return await _result(request, record)


@routes.post("/{app:path}")
async def submit(request: Request, app: str, caller: Caller) -> Json:
    """Accept a request and answer where it is found."""
    record = await _submitted(request, app, caller)
    return _answer(status(request, record, app), 200, record)


async def _submitted(request: Request, app: str, caller: KeyInfo) -> Record:
    parts = parts_of(request)
    body = await read_json_object(
        request,
        max_bytes=parts.max_body_bytes,
        within_s=parts.body_s,
        inline_bytes=parts.data_uri_bytes,
    )
    record, _ = await admit(request, submit_of(request, app, body, parts.models), caller)
    return record


async def _result(request: Request, record: Record) -> Json:
    headers = {REQUEST_ID: record.request_id}
    if not record.status.terminal:
        return FalRoute.answer(BadRequest("not_finished", "Request is still in progress"), headers)
    if record.status is not Status.SUCCESS:
        if record.ran_out:
            headers[TIMEOUT_TYPE] = "user"
        return FalRoute.answer(failure(record), headers)
    told = await result(record, parts_of(request), links_for(request))
    return _answer(told, 200, record)


def _answer(body: dict[str, Any], code: int, record: Record) -> Json:
    return Json(body, code, {REQUEST_ID: record.request_id})
