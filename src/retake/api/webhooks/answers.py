"""What webhooks, deliveries and messages look like on the wire."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from retake.api.answer import json_bytes
from retake.api.dialects.fal_message import fal_message
from retake.api.errors import Refusal
from retake.api.links import Links
from retake.api.parts import ApiParts
from retake.api.schemas import record_json
from retake.core.request import Status
from retake.queue.progress import Progress, stage_named
from retake.queue.record import Record
from retake.queue.webhooks import Delivery, Webhook
from retake.queue.webhooks.target import ENDS, PING

_WHY = {
    "asked": "it was disabled by PATCH",
    "gone": "it answered 410 Gone",
    "failing": "nothing but failures for days",
}


def webhook_json(webhook: Webhook) -> dict[str, Any]:
    """Return a webhook as its user reads it: everything but the secret."""
    why = webhook.disabled
    return {
        "webhook_id": webhook.webhook_id,
        "url": webhook.url,
        "events": list(webhook.events),
        "description": webhook.description,
        "enabled": why is None,
        "disabled_reason": why,
        "disabled_detail": None if why is None else _WHY.get(why, why),
        "created_at": webhook.created_at,
        "updated_at": webhook.updated_at,
        "last_success_at": webhook.succeeded_at,
        "failing_since": webhook.failing_since,
        "old_secret_until": webhook.old_secret_until,
    }


def delivery_json(delivery: Delivery) -> dict[str, Any]:
    """Return a delivery and its tries as its user reads them."""
    return {
        "delivery_id": delivery.delivery_id,
        "webhook_id": delivery.webhook_id,
        "request_id": delivery.request_id,
        "type": _type(delivery),
        "url": delivery.url,
        "status": str(delivery.state),
        "created_at": delivery.created_at,
        "next_attempt_at": delivery.next_at,
        "attempts": [
            {
                "at": attempt.at,
                "duration_ms": attempt.took_ms,
                "status_code": attempt.status_code,
                "code": attempt.code,
                "error": attempt.error,
                "response": attempt.answer,
            }
            for attempt in delivery.attempts
        ],
    }


async def message(parts: ApiParts, delivery: Delivery) -> bytes:
    """Return what is sent: ``type``, ``timestamp`` and ``data``, the record with fresh URLs.

    Raises:
        Refusal: There is nothing to be told any more: the key was revoked (``wrong_key``), or the
            request is gone (``unknown_request``).
    """
    if not await parts.keys.is_good(delivery.key_id):
        raise Refusal("wrong_key", "the API key was revoked")
    if (
        delivery.webhook_id is None
        and (told := await _in_another_form(parts, delivery)) is not None
    ):
        return json_bytes(told)
    moment = datetime.fromtimestamp(delivery.created_at, UTC)
    return json_bytes(
        {
            "type": _type(delivery),
            "timestamp": moment.isoformat().replace("+00:00", "Z"),
            "data": await _data(parts, delivery),
        }
    )


async def _data(parts: ApiParts, delivery: Delivery) -> dict[str, Any]:
    if delivery.event == PING:
        return {"webhook_id": delivery.webhook_id, "message": "this webhook works"}
    record = await _record(parts, delivery)
    return record_json(_then(record, delivery), _links(parts, delivery))


async def _in_another_form(parts: ApiParts, delivery: Delivery) -> dict[str, Any] | None:
    """Return the message in the form of the dialect that the request came in; None for ours."""
    record = await _record(parts, delivery)
    if (record.webhook or {}).get("form") != "fal" or delivery.event not in ENDS:
        return None
    return await fal_message(record, parts, _links(parts, delivery))


async def _record(parts: ApiParts, delivery: Delivery) -> Record:
    record = await parts.requests.get(delivery.request_id or "", delivery.key_id)
    if record is None:
        raise Refusal("unknown_request", "the request is no longer there")
    return record


def _links(parts: ApiParts, delivery: Delivery) -> Links:
    base = parts.base_url or delivery.base
    return Links(parts, base.rstrip("/"), int(parts.now()) + parts.url_ttl_s)


def _then(record: Record, delivery: Delivery) -> Record:
    """Return the record as it was when what is told happened."""
    if delivery.event in ENDS:
        return record
    queued = delivery.event == "queued"
    stage = stage_named(delivery.stage)
    return replace(
        record,
        status=Status.QUEUED if queued else Status.PROCESSING,
        updated_at=delivery.created_at,
        started_at=None if queued else record.started_at,
        finished_at=None,
        outcome=None,
        error=None,
        progress=None if queued else Progress.begin(stage, 0).to_dict(),
        queue_position=None,
        eta_seconds=None,
    )


def _type(delivery: Delivery) -> str:
    return f"retake.{delivery.event}"
