"""Finding the request that a path names."""

from __future__ import annotations

from retake.api.errors import Refusal
from retake.api.parts import ApiParts
from retake.queue.keys import KeyInfo
from retake.queue.record import Record
from retake.telemetry.about import name_request


async def existing(parts: ApiParts, request_id: str, caller: KeyInfo) -> Record:
    """Return the caller's request of that id.

    Raises:
        Refusal: The caller has none of that id (404): whether somebody else has is not told.
    """
    record = await parts.requests.get(request_id, caller.key_id)
    if record is None:
        shown = request_id[:80]
        raise Refusal("unknown_request", f"request {shown} does not exist", param="request_id")
    name_request(record.request_id)
    return record
