"""``…/webhooks``: the webhooks of a key, their secrets, and trying one out."""

from __future__ import annotations

import re

from fastapi import APIRouter, Request, Response

from retake.api.answer import Json
from retake.api.auth import Caller
from retake.api.body import read_json_object
from retake.api.errors import Refusal
from retake.api.links import links_for
from retake.api.parts import ApiParts, parts_of
from retake.api.query import one
from retake.api.webhooks.answers import delivery_json, webhook_json
from retake.api.webhooks.asked import check_host, description_of, target_of
from retake.core.errors import BadRequest, wrong_type
from retake.queue.keys import KeyInfo
from retake.queue.webhooks import Webhook

MOST = 20
"""So many webhooks a key may have."""
_PING_S = 20.0
_LONGEST_GRACE_S = 7 * 24 * 3600
_FIELDS = frozenset({"url", "events", "description", "enabled"})

routes = APIRouter()


@routes.post("/webhooks")
async def create(request: Request, caller: Caller) -> Json:
    """Make a webhook; its secret is in this answer and in no other."""
    parts, links = parts_of(request), links_for(request)
    body = await read_json_object(request, max_bytes=parts.max_body_bytes, within_s=parts.body_s)
    target = target_of(body.get("url"), body.get("events"), caller, parts, links)
    description = description_of(body.get("description"))
    enabled = body.get("enabled")
    if enabled is not None and enabled is not True:
        raise wrong_type("enabled", enabled, "true for a new webhook")
    await check_host(target.url, parts)
    endpoints = parts.requests.webhooks.endpoints
    webhook, secret = await endpoints.create(caller.key_id, target, description, MOST)
    headers = {"Location": f"{request.url.path}/{webhook.webhook_id}"}
    answer = {**webhook_json(webhook), "secret": secret, "warnings": _unknown(body)}
    return Json(answer, 201, headers)


@routes.get("/webhooks")
async def list_webhooks(request: Request, caller: Caller) -> Json:
    """Return the caller's webhooks, oldest first."""
    webhooks = await parts_of(request).requests.webhooks.endpoints.list(caller.key_id)
    return Json({"webhooks": [webhook_json(each) for each in webhooks], "total": len(webhooks)})


@routes.get("/webhooks/secret")
async def secret_of_key(request: Request, caller: Caller) -> Json:
    """Say whether there is a secret for webhooks that requests bring along; not which."""
    endpoints = parts_of(request).requests.webhooks.endpoints
    return Json(
        {
            "exists": await endpoints.has_secret(caller.key_id),
            "old_secret_until": await endpoints.old_secret_until(caller.key_id),
        }
    )


@routes.post("/webhooks/secret")
async def new_secret_of_key(request: Request, caller: Caller) -> Json:
    """Make a new secret for webhooks that requests bring along, and tell it this once."""
    endpoints = parts_of(request).requests.webhooks.endpoints
    secret = await endpoints.rotate_of_key(caller.key_id, _grace_s(request))
    until = await endpoints.old_secret_until(caller.key_id)
    return Json({"secret": secret, "old_secret_until": until})


@routes.get("/webhooks/{webhook_id}")
async def look(request: Request, webhook_id: str, caller: Caller) -> Json:
    """Return one of the caller's webhooks."""
    return Json(webhook_json(await existing_webhook(parts_of(request), webhook_id, caller)))


@routes.patch("/webhooks/{webhook_id}")
async def change(request: Request, webhook_id: str, caller: Caller) -> Json:
    """Change what is sent of a webhook; what is not sent stays."""
    parts, links = parts_of(request), links_for(request)
    before = await existing_webhook(parts, webhook_id, caller)
    body = await read_json_object(request, max_bytes=parts.max_body_bytes, within_s=parts.body_s)
    sent = {name: value for name, value in body.items() if value is not None}
    url, events = sent.get("url", before.url), sent.get("events", list(before.events))
    target = target_of(url, events, caller, parts, links)
    description = description_of(sent.get("description", before.description))
    enabled = sent.get("enabled", before.disabled is None)
    if not isinstance(enabled, bool):
        raise wrong_type("enabled", enabled, "true or false")
    if "url" in sent:
        await check_host(target.url, parts)
    after = await parts.requests.webhooks.endpoints.change(
        before, target, description, enabled=enabled
    )
    # What waits may have moved to another host.
    parts.requests.webhooks.outbox.on_lane(target.lane)
    return Json({**webhook_json(after or before), "warnings": _unknown(body)})


@routes.delete("/webhooks/{webhook_id}")
async def delete(request: Request, webhook_id: str, caller: Caller) -> Response:
    """Remove a webhook; nothing more is sent to it."""
    parts = parts_of(request)
    webhook = await existing_webhook(parts, webhook_id, caller)
    await parts.requests.webhooks.endpoints.delete(webhook)
    return Response(status_code=204)


@routes.post("/webhooks/{webhook_id}/rotate-secret")
async def rotate_secret(request: Request, webhook_id: str, caller: Caller) -> Json:
    """Give a webhook a new secret and tell it this once; the old one signs on for a while."""
    parts = parts_of(request)
    webhook = await existing_webhook(parts, webhook_id, caller)
    secret = await parts.requests.webhooks.endpoints.rotate(webhook, _grace_s(request))
    return Json(
        {**webhook_json(await existing_webhook(parts, webhook_id, caller)), "secret": secret}
    )


@routes.post("/webhooks/{webhook_id}/test")
async def test(request: Request, webhook_id: str, caller: Caller) -> Json:
    """Send a ``retake.ping`` now, once, and tell how that went."""
    parts = parts_of(request)
    webhook = await existing_webhook(parts, webhook_id, caller)
    outbox = parts.requests.webhooks.outbox
    delivery_id = await outbox.ping(webhook.webhook_id)
    tried = await outbox.when_tried(delivery_id, _PING_S)
    if tried is None:
        raise existing_webhook_gone(webhook_id)
    return Json(delivery_json(tried))


async def existing_webhook(parts: ApiParts, webhook_id: str, caller: KeyInfo) -> Webhook:
    """Return the caller's webhook of that id.

    Raises:
        Refusal: The caller has none of that id (404).
    """
    webhook = await parts.requests.webhooks.endpoints.get(webhook_id, caller.key_id)
    if webhook is None:
        raise existing_webhook_gone(webhook_id)
    return webhook


def existing_webhook_gone(webhook_id: str) -> Refusal:
    """Return the error for a webhook that the caller does not have."""
    shown = webhook_id[:80]
    return Refusal("unknown_webhook", f"webhook {shown} does not exist", param="webhook_id")


def _grace_s(request: Request) -> int:
    text = one(request, "grace_s")
    if text is None:
        return parts_of(request).webhook_grace_s
    if not re.fullmatch(r"\d{1,6}", text, re.ASCII) or int(text) > _LONGEST_GRACE_S:
        raise BadRequest(
            "bad_query",
            f"grace_s is {text[:40]!a}; accepted is a whole number of seconds from 0 to "
            f"{_LONGEST_GRACE_S}",
            param="grace_s",
        )
    return int(text)


def _unknown(body: dict[str, object]) -> list[str]:
    return [f"unknown key {key[:80]!r} was ignored" for key in sorted(body.keys() - _FIELDS)]
