"""From a submit, in whichever dialect, to a request on the disk: quotas, repetition, acceptance."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from retake.api.accept import accept
from retake.api.deadline import cancel_after_s
from retake.api.errors import Refusal
from retake.api.idempotency import once_of
from retake.api.links import links_for
from retake.api.parts import ApiParts, parts_of
from retake.api.priority import priority_of
from retake.api.sourcing import forget_inline
from retake.api.upstream import forget_upstream_key, with_upstream_key
from retake.core.errors import RetakeError
from retake.queue.keys import KeyInfo
from retake.queue.record import Record
from retake.telemetry.about import name_request


async def admit(request: Request, body: dict[str, Any], caller: KeyInfo) -> tuple[Record, bool]:
    """Return the request that a submit gives, and whether an earlier one gave it.

    Args:
        request: The submit; its headers ``Idempotency-Key``, ``Cancel-After`` and
            ``Queue-Priority`` are honoured.
        body: What was sent, or what a dialect made of it: ``model`` and ``payload``.
        caller: Who sent it.

    Raises:
        RetakeError: It cannot be done, or not now; nothing was stored.
    """
    parts, once = parts_of(request), once_of(request, body)
    after_s, priority = cancel_after_s(request), priority_of(request)
    # Looked for before what it asks for is checked: an upload, say, may have expired since.
    if once is not None and (known := await parts.requests.find(caller.key_id, once)):
        return known, True
    parts.rates.count_submit(request.scope, caller.key_id)
    _check_served(parts)
    links = links_for(request)
    new = await accept(body, caller, parts, links, cancel_after_s=after_s, priority=priority)
    new = await with_upstream_key(request, new, parts)
    uri = body["payload"]["video_uri"]
    try:
        record = await parts.requests.create(new, once)
    except RetakeError:
        await forget_inline(uri, new.source_ref, caller, parts)
        forget_upstream_key(new, parts)
        raise
    if record.request_id != new.request_id:
        await forget_inline(uri, new.source_ref, caller, parts)
        forget_upstream_key(new, parts)
    name_request(record.request_id)
    return record, record.request_id != new.request_id


def _check_served(parts: ApiParts) -> None:
    if not parts.can_serve():
        raise Refusal(
            "no_engine",
            "the engine ended every time it was started, so nothing is accepted until it runs; "
            "the server's log says why",
            retryable=True,
        )
