"""``POST …/requests?dry_run=1``: what a request would do, without doing or storing anything."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from fastapi import Request

from retake.api.accept import accept
from retake.api.answer import Json
from retake.api.errors import Refusal
from retake.api.hold import hung_up
from retake.api.links import links_for
from retake.api.parts import ApiParts, parts_of
from retake.api.query import one
from retake.api.sourcing import forget_inline
from retake.core.errors import BadRequest
from retake.core.request import check_payload
from retake.core.watch import Watch
from retake.queue.keys import KeyInfo
from retake.queue.record import NewRequest

MOST_WAITING = 16


def wants_dry_run(request: Request) -> bool:
    """Return whether a submit is only to be tried.

    Raises:
        BadRequest: ``dry_run`` is neither yes nor no (``bad_query``).
    """
    text = (one(request, "dry_run") or "0").lower()
    if text not in {"0", "1", "true", "false"}:
        raise BadRequest(
            "bad_query", f"dry_run is {text[:40]!a}; accepted is 1 or 0", param="dry_run"
        )
    return text in {"1", "true"}


async def dry_run(request: Request, body: dict[str, Any], caller: KeyInfo) -> Json:
    """Answer what a submit of `body` would do.

    Raises:
        RetakeError: It would be refused, or fail before the engine begins.
    """
    parts = parts_of(request)
    new = await accept(body, caller, parts, links_for(request))
    try:
        found = await _preview(request, parts, new)
    finally:
        await forget_inline(body["payload"]["video_uri"], new.source_ref, caller, parts)
    warnings = list(dict.fromkeys([*new.warnings, *found.pop("warnings", [])]))
    return Json(
        {
            "dry_run": True,
            "model": new.model,
            "engine": new.engine,
            "payload": new.payload,
            "warnings": warnings,
            **found,
        }
    )


async def _preview(request: Request, parts: ApiParts, new: NewRequest) -> dict[str, Any]:
    if parts.preview is None:
        return {}
    if parts.previews.waiting >= MOST_WAITING:
        raise Refusal(
            "too_many_dry_runs", "too many dry runs wait for their turn already", retryable=True
        )
    wanted, _ = check_payload(new.payload, parts.limits)
    cancel = threading.Event()
    watch = Watch(cancel=cancel)
    async with parts.previews:
        work = asyncio.create_task(
            asyncio.to_thread(parts.preview, wanted, new.source_ref, new.engine, watch)
        )
        leaving = asyncio.create_task(hung_up(request))
        try:
            await asyncio.wait([work, leaving], return_when=asyncio.FIRST_COMPLETED)
            # For somebody who has left it stops where it can: the thread has to end in any case.
            if not work.done():
                cancel.set()
            return await work
        finally:
            cancel.set()
            leaving.cancel()
            await asyncio.wait([work, leaving])
