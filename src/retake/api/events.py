"""Watching requests: ``GET …/requests/{id}/events`` for one, ``GET …/requests/events`` for all.

What has happened (queued, processing, each stage, the end) is told once and in order, and is
numbered by the record itself: a client that comes back, also to a restarted server, goes on behind
the last number that it got. In between, ``progress`` tells how it stands now, without a number.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from typing import Any

from fastapi import APIRouter, Request, Response

from retake.api.auth import Caller, key_of
from retake.api.errors import Refusal
from retake.api.existing import existing
from retake.api.links import links_for
from retake.api.parts import ApiParts, parts_of
from retake.api.schemas import record_json
from retake.api.stream import BEGINNING, HEARTBEAT, event, last_event, mark, stream
from retake.core.request import Status
from retake.queue.feed import Listener
from retake.queue.history import Event, history
from retake.queue.listing import Wanted
from retake.queue.record import Record

_POSITION_S = 2.0
"""How often the position in the queue is looked at, in seconds: it moves for all at once."""
_MOST = 100
_OVERLAP_S = 2
"""How much earlier the marks of a stream of all requests say it is: moments are whole seconds."""

routes = APIRouter()


@routes.get("/requests/events")
async def watch_all(request: Request, caller: Caller) -> Response:
    """Stream what happens to the caller's requests, from now on or behind ``Last-Event-ID``."""
    since = last_event(request)
    return await stream(_of_all(request, parts_of(request), caller.key_id, since))


@routes.get("/requests/{request_id}/events")
async def watch_one(request: Request, request_id: str, caller: Caller) -> Response:
    """Stream what has happened and happens to a request, until it has ended."""
    parts, after = parts_of(request), last_event(request) or 0
    record = await existing(parts, request_id, caller)
    if record.status.terminal and after >= len(history(record)):
        return Response(status_code=204)
    return await stream(_of_one(request, parts, record, after))


async def _of_one(
    request: Request, parts: ApiParts, record: Record, after: int
) -> AsyncGenerator[bytes]:
    pulse = _Pulse(request, parts.heartbeat_s)
    with parts.requests.listen(record.key_id, record.request_id) as listener:
        yield BEGINNING
        told: dict[str, Any] = {}
        while not listener.over:
            # Read while it is listened to: whatever happens from here on wakes the listener.
            record = await parts.requests.get(record.request_id, record.key_id) or record
            news = history(record)[after:]
            for each in news:
                told = _told(request, record, None if each is news[-1] else each)
                yield pulse.sent(event(each.name, told, each.number))
            after += len(news)
            if record.status.terminal:
                return
            async for text in _meanwhile(parts, record, listener, pulse, told):
                yield text


async def _meanwhile(
    parts: ApiParts, record: Record, listener: Listener, pulse: _Pulse, told: dict[str, Any]
) -> AsyncGenerator[bytes]:
    """Yield how a request moves on from what was told last, until something happens to it."""
    waits = record.status is Status.QUEUED
    while not listener.over:
        now = _moment(parts.requests.lively(record))
        if now != told:
            told = now
            yield pulse.sent(event("progress", now))
        most_s = _POSITION_S if waits else pulse.every_s
        changed, _ = await listener.heard(min(most_s, pulse.left_s()))
        if changed:
            return
        if pulse.left_s() <= 0:
            if not await pulse.welcome():
                listener.end()
                return
            yield pulse.sent(HEARTBEAT)


async def _of_all(
    request: Request, parts: ApiParts, key_id: str, since: int | None
) -> AsyncGenerator[bytes]:
    pulse = _Pulse(request, parts.heartbeat_s)

    def told(record: Record) -> bytes:
        number = int(parts.now()) - _OVERLAP_S
        return pulse.sent(event(str(record.status), _told(request, record), number))

    with parts.requests.listen(key_id) as listener:
        yield BEGINNING
        async for record in _before(parts, key_id, since):
            yield told(record)
        yield mark(int(parts.now()) - _OVERLAP_S)
        while not listener.over:
            changed, moved = await listener.heard(pulse.left_s())
            for request_id in changed:
                if record := await parts.requests.get(request_id, key_id):
                    yield told(record)
            for request_id in moved:
                if record := await parts.requests.get(request_id, key_id):
                    yield pulse.sent(event("progress", _moment(record)))
            if pulse.left_s() <= 0:
                if not await pulse.welcome():
                    return
                yield pulse.sent(HEARTBEAT) + mark(int(parts.now()) - _OVERLAP_S)


async def _before(parts: ApiParts, key_id: str, since: int | None) -> AsyncGenerator[Record]:
    """Yield what a client has to know that begins to listen now, or that last heard at `since`."""
    if since is None:
        unfinished: list[Record] = []
        for status in (Status.PROCESSING, Status.QUEUED):
            found, _ = await parts.requests.list(key_id, Wanted(status=status), limit=_MOST)
            unfinished += found
        for record in sorted(unfinished, key=lambda record: record.place):
            yield record
        return
    last: Record | int = since
    while records := await parts.requests.changed(key_id, last, _MOST):
        for record in records:
            yield record
        last = records[-1]


def _told(request: Request, record: Record, past: Event | None = None) -> dict[str, Any]:
    """Return what an event carries: the whole record at the end; as it was, where that is past."""
    if past is not None:
        then = {"status": str(past.status), "updated_at": past.at, "progress": past.progress}
        return _moment(record) | then | {"queue_position": None, "eta_seconds": None}
    if record.status.terminal:
        # Links are made now: those from the stream's beginning may have expired since.
        return record_json(record, links_for(request))
    return _moment(record)


def _moment(record: Record) -> dict[str, Any]:
    return {
        "request_id": record.request_id,
        "model": record.model,
        "status": str(record.status),
        "updated_at": record.updated_at,
        "progress": record.progress,
        "queue_position": record.queue_position,
        "eta_seconds": record.eta_seconds,
    }


class _Pulse:
    """Says when a stream has been silent for so long that its client may think it dead."""

    def __init__(self, request: Request, every_s: float) -> None:
        self._request = request
        self.every_s = every_s
        self._last = time.monotonic()

    def sent(self, text: bytes) -> bytes:
        """Note that something is sent; returns it."""
        self._last = time.monotonic()
        return text

    def left_s(self) -> float:
        """Return how long the stream may still be silent, in seconds; 0 when it is time."""
        return max(self._last + self.every_s - time.monotonic(), 0.0)

    async def welcome(self) -> bool:
        """Return whether the client's key is still good: it may have been revoked meanwhile."""
        try:
            await key_of(self._request)
        except Refusal:
            return False
        return True
