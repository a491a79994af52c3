"""Submitting, looking at and cancelling requests."""

from __future__ import annotations

from fastapi import APIRouter, Request

from retake.api.admit import admit
from retake.api.answer import Json
from retake.api.auth import Caller
from retake.api.body import read_json_object
from retake.api.dry_run import dry_run, wants_dry_run
from retake.api.errors import users_mistake
from retake.api.existing import existing
from retake.api.hold import hold
from retake.api.links import links_for
from retake.api.parts import parts_of
from retake.api.prefer import preference
from retake.api.schemas import record_json
from retake.core.request import Status

_CANCEL_S = 1.5
"""How long a cancel waits for running work to notice it, in seconds."""

routes = APIRouter()


@routes.post("/requests")
async def submit(request: Request, caller: Caller) -> Json:
    """Accept a request and answer with its result, or with how far it is by then."""
    parts, links = parts_of(request), links_for(request)
    preferred = preference(request, parts.max_hold_s)
    body = await read_json_object(
        request,
        max_bytes=parts.max_body_bytes,
        within_s=parts.body_s,
        inline_bytes=parts.data_uri_bytes,
    )
    if wants_dry_run(request):
        return await dry_run(request, body, caller)
    record, replayed = await admit(request, body, caller)
    record = await hold(request, parts, record, preferred.hold_s(parts.hold_s))
    headers = {"Location": f"{request.scope['path']}/{record.request_id}", **preferred.applied}
    if replayed:
        headers["Idempotency-Replayed"] = "true"
    status = 202 if preferred.respond_async and not record.status.terminal else 200
    if record.status is Status.FAILED and users_mistake(record.error or {}):
        status = 400
    return Json(record_json(record, links), status, headers)


@routes.get("/requests/{request_id}")
async def get_request(request: Request, request_id: str, caller: Caller) -> Json:
    """Return one of the caller's requests; ``Prefer: wait=N`` waits for its end."""
    parts = parts_of(request)
    record = await existing(parts, request_id, caller)
    preferred = preference(request, parts.max_hold_s, may_be_async=False)
    record = await hold(request, parts, record, preferred.hold_s(0))
    return Json(record_json(record, links_for(request)), headers=preferred.applied)


@routes.delete("/requests/{request_id}")
@routes.post("/requests/{request_id}/cancel")
async def cancel(request: Request, request_id: str, caller: Caller) -> Json:
    """Cancel one of the caller's requests; one that has ended stays as it is."""
    parts = parts_of(request)
    record = await existing(parts, request_id, caller)
    record = await parts.requests.cancel(request_id, caller.key_id) or record
    if not record.status.terminal:
        record = await hold(request, parts, record, _CANCEL_S)
    return Json(record_json(record, links_for(request)))
