"""The statuses of a request as fal streams them: server-sent events that hold nothing else."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from fastapi import Request

from retake.api.answer import json_bytes
from retake.api.dialects.fal_answers import status
from retake.api.parts import parts_of
from retake.api.stream import BEGINNING, HEARTBEAT
from retake.queue.record import Record


async def statuses(request: Request, record: Record) -> AsyncGenerator[bytes]:
    """Yield how a request stands, each time that has changed, until it has ended."""
    parts = parts_of(request)
    with parts.requests.listen(record.key_id, record.request_id) as listener:
        yield BEGINNING
        told = b""
        while not listener.over:
            record = await parts.requests.get(record.request_id, record.key_id) or record
            now = json_bytes(status(request, record))
            yield HEARTBEAT if now == told else b"data: %s\n\n" % now
            told = now
            if record.status.terminal:
                return
            await listener.heard(parts.heartbeat_s)
