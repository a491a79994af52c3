"""Submitting, looking at, listing and cancelling requests."""

from __future__ import annotations

import secrets
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from retake.api.auth import Caller
from retake.api.body import read_json_object
from retake.api.catalogue import ModelInfo, find_model
from retake.api.errors import Refusal, users_mistake
from retake.api.hold import hold, preference
from retake.api.links import Links, links_for, own_file
from retake.api.parts import ApiParts, parts_of
from retake.api.schemas import record_json
from retake.core.errors import BadRequest
from retake.core.request import MAX_SEED, RetakeRequest, Status, check_payload
from retake.queue.keys import KeyInfo
from retake.queue.record import NewRequest, Record
from retake.steps.fetch.url import check_url

MAX_LISTED = 100
_CANCEL_S = 1.5
"""How long a cancel waits for running work to notice it, in seconds."""

routes = APIRouter()


@routes.post("/requests")
async def submit(request: Request, caller: Caller) -> JSONResponse:
    """Accept a request and answer with its result, or with how far it is by then."""
    parts, links = parts_of(request), links_for(request)
    preferred = preference(request, parts)
    body = await read_json_object(request, parts.max_body_bytes)
    new = await _checked(body, caller, parts, links)
    record = await parts.requests.create(new)
    record = await hold(request, parts, record, preferred.wait_s)
    headers = {"Location": f"{request.url.path}/{record.request_id}"}
    if preferred.applied:
        headers["Preference-Applied"] = preferred.applied
    status = 202 if preferred.may_be_async and not record.status.terminal else 200
    if record.status is Status.FAILED and users_mistake(record.error or {}):
        status = 400
    return JSONResponse(record_json(record, links), status, headers)


@routes.get("/requests")
async def list_requests(request: Request, caller: Caller) -> dict[str, Any]:
    """Return the caller's requests, newest first."""
    parts, links, query = parts_of(request), links_for(request), request.query_params
    records, total = parts.requests.list(
        caller.key_id,
        model=query.get("model_id") or query.get("model") or None,
        status=_status(query.get("status")),
        limit=_limit(query.get("limit")),
        before=query.get("before") or None,
    )
    return {"requests": [record_json(record, links) for record in records], "total": total}


@routes.get("/requests/{request_id}")
async def get_request(request: Request, request_id: str, caller: Caller) -> dict[str, Any]:
    """Return one of the caller's requests."""
    record = parts_of(request).requests.get(request_id, caller.key_id)
    return record_json(_found(record, request_id), links_for(request))


@routes.delete("/requests/{request_id}")
@routes.post("/requests/{request_id}/cancel")
async def cancel(request: Request, request_id: str, caller: Caller) -> dict[str, Any]:
    """Cancel one of the caller's requests; one that has ended stays as it is."""
    parts = parts_of(request)
    record = _found(await parts.requests.cancel(request_id, caller.key_id), request_id)
    if not record.status.terminal:
        record = await hold(request, parts, record, _CANCEL_S)
    return record_json(record, links_for(request))


async def _checked(
    body: dict[str, Any], caller: KeyInfo, parts: ApiParts, links: Links
) -> NewRequest:
    """Return what the body asks for, with everything told that can be known before the work."""
    model, payload, unknown = _model_and_payload(body, parts)
    wanted, warnings = check_payload(payload, parts.limits)
    model.check_options(wanted.options)
    source_ref, more = await _source(wanted, caller, parts, links)
    seed = secrets.randbelow(MAX_SEED + 1) if wanted.seed is None else wanted.seed
    return NewRequest(
        request_id=secrets.token_hex(16),
        key_id=caller.key_id,
        model=model.model_id,
        engine=model.engine.id,
        payload=payload,
        source_ref=source_ref,
        seed=seed,
        warnings=(*unknown, *warnings, *more),
    )


def _model_and_payload(
    body: dict[str, Any], parts: ApiParts
) -> tuple[ModelInfo, dict[str, Any], tuple[str, ...]]:
    model_id = body.get("model")
    if not isinstance(model_id, str):
        code = "wrong_type" if "model" in body else "missing"
        raise BadRequest(code, "model must be the id of a model; see GET …/models", param="model")
    model = find_model(parts.models, model_id)
    payload = body.get("payload")
    if not isinstance(payload, dict):
        code = "wrong_type" if "payload" in body else "missing"
        raise BadRequest(code, "payload must be an object of parameters", param="payload")
    others = body.keys() - {"model", "payload"}
    warnings = tuple(f"unknown key {key[:80]!r} was ignored" for key in sorted(others))
    return model, payload, warnings


async def _source(
    wanted: RetakeRequest, caller: KeyInfo, parts: ApiParts, links: Links
) -> tuple[str, tuple[str, ...]]:
    """Return where the video comes from, and what its check warns of."""
    name = own_file(parts, wanted.video_uri, links.base)
    if name is None:
        check_url(wanted.video_uri, allow_private=parts.allow_private)
        return f"url:{wanted.video_uri}", ()
    if not _owns(name, caller, parts) or not parts.storage.path(name).is_file():
        raise BadRequest(
            "upload_not_found",
            "video_uri points at an upload that is not there; PUT the video to its upload_url "
            "first, with the same API key",
            param="video_uri",
        )
    warnings: tuple[str, ...] = ()
    if parts.check_upload is not None:
        path = parts.storage.path(name)
        warnings = await run_in_threadpool(parts.check_upload, path, wanted)
    return f"upload:{name}", warnings


def _owns(name: str, caller: KeyInfo, parts: ApiParts) -> bool:
    kind, owner, *_ = [*name.split("/"), ""]
    if kind == "uploads":
        return owner == caller.key_id
    # A result may be the source of the next request.
    return kind == "outputs" and parts.requests.get(owner, caller.key_id) is not None


def _found(record: Record | None, request_id: str) -> Record:
    if record is None:
        shown = request_id[:80]
        raise Refusal("unknown_request", f"request {shown} does not exist", param="request_id")
    return record


def _status(text: str | None) -> Status | None:
    if not text:
        return None
    try:
        return Status(text)
    except ValueError:
        raise BadRequest(
            "unknown_status",
            f"status is {text[:40]!r}; accepted is one of {', '.join(Status)}",
            param="status",
        ) from None


def _limit(text: str | None) -> int:
    if text is None:
        return 50
    if not (text.isascii() and text.isdecimal() and len(text) < 5 and 1 <= int(text) <= MAX_LISTED):
        raise BadRequest(
            "bad_query",
            f"limit is {text[:40]!r}; accepted is a whole number from 1 to {MAX_LISTED}",
            param="limit",
        )
    return int(text)
