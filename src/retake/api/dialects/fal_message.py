"""What fal posts to the ``fal_webhook`` of a submit: ``status`` OK or ERROR, the result as payload.

Only the form is fal's. The signature is that of Standard Webhooks, as on every message of ours.
"""

from __future__ import annotations

from typing import Any

from retake.api.dialects.fal_answers import FalRoute, failure, result
from retake.api.links import Links
from retake.api.parts import ApiParts
from retake.core.request import Status
from retake.queue.record import Record


async def fal_message(record: Record, parts: ApiParts, links: Links) -> dict[str, Any]:
    """Return the message about a request that has ended."""
    told: dict[str, Any] = {
        "request_id": record.request_id,
        "gateway_request_id": record.request_id,
    }
    if record.status is Status.SUCCESS:
        payload = await result(record, parts, links)
        return {**told, "status": "OK", "error": None, "payload": payload}
    error = failure(record)
    _, payload, _ = FalRoute.tell(error)
    return {**told, "status": "ERROR", "error": error.message, "payload": payload}
