"""The results of a request: removing them."""

from __future__ import annotations

from fastapi import APIRouter, Request

from retake.api.answer import Json
from retake.api.auth import Caller
from retake.api.cleaning import remove_results
from retake.api.errors import Refusal
from retake.api.existing import existing
from retake.api.links import links_for
from retake.api.parts import parts_of
from retake.api.schemas import record_json

routes = APIRouter()


@routes.delete("/requests/{request_id}/files")
async def remove_files(request: Request, request_id: str, caller: Caller) -> Json:
    """Remove the files of one of the caller's requests that has ended; its record stays."""
    parts = parts_of(request)
    record = await existing(parts, request_id, caller)
    if not record.status.terminal:
        raise Refusal(
            "not_ended",
            f"the request is {record.status}; its files can be removed once it has ended, or "
            "cancel it",
            retryable=True,
        )
    if await parts.requests.results.needed(f"outputs/{request_id}"):
        raise Refusal(
            "file_in_use", "a request that has not ended needs them; accepted once that has"
        )
    await remove_results(parts, request_id)
    return Json(record_json(await existing(parts, request_id, caller), links_for(request)))
