"""The log of what was delivered, and delivering it once more."""

from __future__ import annotations

import re

from fastapi import APIRouter, Request

from retake.api.answer import Json
from retake.api.auth import Caller
from retake.api.errors import Refusal
from retake.api.existing import existing
from retake.api.parts import ApiParts, parts_of
from retake.api.query import one
from retake.api.webhooks.answers import delivery_json
from retake.api.webhooks.endpoints import existing_webhook
from retake.core.errors import BadRequest
from retake.queue.keys import KeyInfo
from retake.queue.webhooks import Delivery

MOST_LISTED = 100
_USUAL = 50
_LAST = 2**62

routes = APIRouter()


@routes.get("/webhooks/{webhook_id}/deliveries")
async def of_webhook(request: Request, webhook_id: str, caller: Caller) -> Json:
    """Return what was sent to one of the caller's webhooks, newest first."""
    parts = parts_of(request)
    webhook = await existing_webhook(parts, webhook_id, caller)
    limit, before = await _page(request, parts, caller)
    outbox = parts.requests.webhooks.outbox
    found = await outbox.of_webhook(webhook.webhook_id, limit + 1, before)
    return _listed(found, limit)


@routes.get("/requests/{request_id}/deliveries")
async def of_request(request: Request, request_id: str, caller: Caller) -> Json:
    """Return what was sent of one of the caller's requests, newest first."""
    parts = parts_of(request)
    record = await existing(parts, request_id, caller)
    limit, before = await _page(request, parts, caller)
    outbox = parts.requests.webhooks.outbox
    found = await outbox.of_request(record.request_id, caller.key_id, limit + 1, before)
    return _listed(found, limit)


@routes.get("/deliveries/{delivery_id}")
async def look(request: Request, delivery_id: str, caller: Caller) -> Json:
    """Return one of the caller's deliveries."""
    return Json(delivery_json(await _existing(parts_of(request), delivery_id, caller)))


@routes.post("/deliveries/{delivery_id}/redeliver")
async def redeliver(request: Request, delivery_id: str, caller: Caller) -> Json:
    """Deliver a message once more, now, with all its tries; its id stays the same."""
    parts = parts_of(request)
    delivery = await _existing(parts, delivery_id, caller)
    if delivery.webhook_id is not None:
        webhook = await existing_webhook(parts, delivery.webhook_id, caller)
        if webhook.disabled is not None:
            raise Refusal(
                "webhook_disabled",
                f'webhook {webhook.webhook_id} is disabled; PATCH it with {{"enabled": true}} '
                "first",
                param="webhook_id",
            )
    return Json(delivery_json(await parts.requests.webhooks.outbox.again(delivery)))


async def _existing(parts: ApiParts, delivery_id: str, caller: KeyInfo) -> Delivery:
    delivery = await parts.requests.webhooks.outbox.get(delivery_id)
    if delivery is None or delivery.key_id != caller.key_id:
        shown = delivery_id[:80]
        raise Refusal("unknown_delivery", f"delivery {shown} does not exist", param="delivery_id")
    return delivery


async def _page(request: Request, parts: ApiParts, caller: KeyInfo) -> tuple[int, int]:
    """Return how many to list, and before which place."""
    text, cursor = one(request, "limit") or str(_USUAL), one(request, "cursor")
    if not re.fullmatch(r"\d{1,4}", text, re.ASCII) or not 1 <= int(text) <= MOST_LISTED:
        raise BadRequest(
            "bad_query",
            f"limit is {text[:40]!a}; accepted is a whole number from 1 to {MOST_LISTED}",
            param="limit",
        )
    if cursor is None:
        return int(text), _LAST
    found = await parts.requests.webhooks.outbox.get(cursor)
    if found is None or found.key_id != caller.key_id:
        raise BadRequest(
            "bad_cursor",
            f"cursor is {cursor[:40]!a}; accepted is the next_cursor of a page",
            param="cursor",
        )
    return int(text), found.place


def _listed(found: list[Delivery], limit: int) -> Json:
    page = found[:limit]
    return Json(
        {
            "deliveries": [delivery_json(each) for each in page],
            "next_cursor": page[-1].delivery_id if len(found) > limit else None,
        }
    )
