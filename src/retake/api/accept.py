"""From the body of a submit to a request that may be queued: all that can be known is told now."""

from __future__ import annotations

import math
import secrets
from typing import Any

from retake.api.catalogue import ModelInfo, find_model
from retake.api.inline import in_brief
from retake.api.links import Links
from retake.api.parts import ApiParts
from retake.api.sourcing import Sourced, find_source
from retake.api.webhooks.asked import of_submit as webhook_of_submit
from retake.core.delivery import PARAM, Delivery, check_delivery
from retake.core.errors import BadRequest
from retake.core.payload import MAX_SEED
from retake.core.request import check_payload
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
    priority: int = 0,
) -> NewRequest:
    """Return what a submit's body asks for, checked as far as that can be before the work.

    Args:
        body: What was sent.
        caller: Who sent it.
        parts: What the API uses.
        links: Tells URLs of our own files from others.
        cancel_after_s: After how many seconds it is to be cancelled; None is never.
        priority: Its place among the caller's own requests.

    Raises:
        RetakeError: It cannot be done; nothing was stored.
    """
    webhook, doubts, read = await webhook_of_submit(body, caller, parts, links)
    model, payload, unknown = _model_and_payload(body, parts, read)
    wanted, warnings = check_payload(in_brief(payload), parts.limits)
    model.check_options(wanted.options)
    delivery = _delivery(payload, parts)
    source = await find_source(wanted, payload["video_uri"], caller, parts, links)
    seed = secrets.randbelow(MAX_SEED + 1) if wanted.seed is None else wanted.seed
    return NewRequest(
        request_id=secrets.token_hex(16),
        key_id=caller.key_id,
        model=model.model_id,
        engine=model.engine.id,
        payload=_echoed(payload, source, delivery),
        source_ref=source.ref,
        seed=seed,
        warnings=(*unknown, *doubts, *warnings, *source.warnings),
        cancel_at=None if cancel_after_s is None else math.ceil(parts.now() + cancel_after_s),
        priority=priority,
        webhook=webhook,
        trace=trace_here(),
        puts=None if delivery is None else delivery.to_dict(),
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


def _delivery(payload: dict[str, Any], parts: ApiParts) -> Delivery | None:
    delivery = check_delivery(payload)
    for put in delivery.puts if delivery else ():
        check_url(put.url, allow_private=parts.allow_private, param=PARAM)
    return delivery


def _echoed(payload: dict[str, Any], source: Sourced, delivery: Delivery | None) -> dict[str, Any]:
    """Return the payload as it is kept and shown: without megabytes, without secrets."""
    shown = payload if source.uri == payload["video_uri"] else {**payload, "video_uri": source.uri}
    return {**shown, PARAM: delivery.echoed(payload[PARAM])} if delivery else shown
