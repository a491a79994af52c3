"""``GET …/requests``: the caller's requests, newest first, a page at a time."""

from __future__ import annotations

import math
import re
from datetime import datetime

from fastapi import APIRouter, Request

from retake.api.answer import Json
from retake.api.auth import Caller
from retake.api.links import links_for
from retake.api.parts import parts_of
from retake.api.query import one
from retake.api.schemas import record_json
from retake.core.errors import BadRequest
from retake.core.request import Status
from retake.queue.listing import MOST_COUNTED, Wanted

MOST_LISTED = 100
_USUAL = 50
_UNIX_TIME = re.compile(r"\d{1,11}(?:\.\d{1,9})?", re.ASCII)

routes = APIRouter()


@routes.get("/requests")
async def list_requests(request: Request, caller: Caller) -> Json:
    """Return a page of the caller's requests, and how many there are in all."""
    parts, links = parts_of(request), links_for(request)
    wanted, limit = _wanted(request), _limit(request)
    cursor = one(request, "cursor", "before")
    if cursor is not None and not await parts.requests.holds(cursor, caller.key_id):
        raise BadRequest(
            "bad_cursor",
            f"cursor is {cursor[:40]!a}; accepted is the next_cursor of a page, or the id of one "
            "of your requests",
            param="cursor",
        )
    # One more than the page holds tells whether there is another.
    records, total = await parts.requests.list(
        caller.key_id, wanted, limit=limit + 1, before=cursor
    )
    page = records[:limit]
    return Json(
        {
            "requests": [record_json(record, links) for record in page],
            "total": total,
            "total_is_exact": not wanted.timed or total < MOST_COUNTED,
            "next_cursor": page[-1].request_id if len(records) > limit else None,
        }
    )


def _wanted(request: Request) -> Wanted:
    return Wanted(
        model=one(request, "model_id", "model"),
        status=_status(one(request, "status")),
        since=_moment(one(request, "created_after"), "created_after"),
        until=_moment(one(request, "created_before"), "created_before"),
    )


def _status(text: str | None) -> Status | None:
    if text is None:
        return None
    try:
        return Status(text)
    except ValueError:
        raise BadRequest(
            "unknown_status",
            f"status is {text[:40]!r}; accepted is one of {', '.join(Status)}",
            param="status",
        ) from None


def _moment(text: str | None, param: str) -> int | None:
    """Return a moment as the first whole second of Unix time that is not before it."""
    if text is None:
        return None
    if _UNIX_TIME.fullmatch(text):
        return math.ceil(float(text))
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return max(math.ceil(moment.timestamp()), 0)
    except (ValueError, OverflowError):
        pass
    raise BadRequest(
        "bad_query",
        f"{param} is {text[:40]!a}; accepted is Unix time in seconds, or a time as RFC 3339 writes "
        "it, such as 2026-11-23T20:00:00Z",
        param=param,
    )


def _limit(request: Request) -> int:
    text = one(request, "limit", "page_size")
    if text is None:
        return _USUAL
    if not re.fullmatch(r"\d{1,4}", text, re.ASCII) or not 1 <= int(text) <= MOST_LISTED:
        raise BadRequest(
            "bad_query",
            f"limit is {text[:40]!a}; accepted is a whole number from 1 to {MOST_LISTED}",
            param="limit",
        )
    return int(text)
