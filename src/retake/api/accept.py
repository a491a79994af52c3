"""From the body of a submit to a request that may be queued: all that can be known is told now."""

from __future__ import annotations

import asyncio
import math
import secrets
from typing import Any

from retake.api.catalogue import ModelInfo, find_model
from retake.api.links import Links, own_file
from retake.api.parts import ApiParts
from retake.api.webhooks.asked import of_submit as webhook_of_submit
from retake.core.errors import BadRequest
from retake.core.request import MAX_SEED, RetakeRequest, check_payload
from retake.queue.keys import KeyInfo
from retake.queue.record import NewRequest
from retake.steps.fetch.url import check_url
from retake.telemetry.about import trace_here


async def accept(
    body: dict[str, Any],
    caller: KeyInfo,
    parts: ApiParts,
    links: Links,
    *,
    cancel_after_s: int | None = None,
) -> NewRequest:
    """Return what a submit's body asks for, checked as far as that can be before the work.

    Args:
        body: What was sent.
        caller: Who sent it.
        parts: What the API uses.
        links: Tells URLs of our own files from others.
        cancel_after_s: After how many seconds it is to be cancelled; None is never.

    Raises:
        RetakeError: It cannot be done; nothing was stored.
    """
    webhook, doubts, read = await webhook_of_submit(body, caller, parts, links)
    model, payload, unknown = _model_and_payload(body, parts, read)
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
        warnings=(*unknown, *doubts, *warnings, *more),
        cancel_at=None if cancel_after_s is None else math.ceil(parts.now() + cancel_after_s),
        webhook=webhook,
        trace=trace_here(),
    )


def _model_and_payload(
    body: dict[str, Any], parts: ApiParts, read: frozenset[str]
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
    others = body.keys() - {"model", "payload"} - read
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
        async with parts.checks:
            warnings = await asyncio.to_thread(parts.check_upload, path, wanted)
    return f"upload:{name}", warnings


def _owns(name: str, caller: KeyInfo, parts: ApiParts) -> bool:
    if name == parts.example:
        return True
    kind, owner, *_ = [*name.split("/"), ""]
    if kind == "uploads":
        return owner == caller.key_id
    # A result may be the source of the next request.
    return kind == "outputs" and parts.requests.get(owner, caller.key_id) is not None
