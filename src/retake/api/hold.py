"""Holding an answer until its request has ended, as long as the client wants to wait."""

from __future__ import annotations

import asyncio
import logging

from fastapi import Request

from retake.api.parts import ApiParts
from retake.core.errors import StorageFailed
from retake.queue.record import Record

_log = logging.getLogger(__name__)


async def hold(request: Request, parts: ApiParts, record: Record, wait_s: float) -> Record:
    """Return the record once it has ended, `wait_s` are over, or nobody waits any more.

    The client hanging up, the server being told to stop, or its database being away, ends the
    waiting, not the work.
    """
    if wait_s <= 0 or record.status.terminal:
        return record
    waiting = asyncio.create_task(parts.requests.wait(record.request_id, wait_s))
    leaving = asyncio.create_task(hung_up(request))
    try:
        await asyncio.wait([waiting, leaving], return_when=asyncio.FIRST_COMPLETED)
        return waiting.result() if waiting.done() else record
    except StorageFailed as error:
        # It was accepted, and that is what has to be told.
        _log.warning("a held call is answered without a last look: %s", error)
        return record
    finally:
        waiting.cancel()
        leaving.cancel()
        await asyncio.wait([waiting, leaving])


async def hung_up(request: Request) -> None:
    """Return once the client has ended the connection; the body must have been read."""
    # The body has been read whole: all that can still come is the end of the connection.
    while (await request.receive())["type"] != "http.disconnect":
        pass
