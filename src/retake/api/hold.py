"""Holding a submit until its request has ended, as long as the client wants to wait."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

from fastapi import Request

from retake.api.parts import ApiParts
from retake.queue.record import Record

_WAIT = re.compile(r'wait\s*=\s*"?(\d{1,6})"?')


@dataclass(frozen=True, slots=True)
class Preference:
    """What the client said in ``Prefer`` (RFC 7240).

    Attributes:
        wait_s: How long the submit is held.
        may_be_async: Whether 202 may answer what is not finished by then.
        applied: What is to be told in ``Preference-Applied``; empty when nothing was asked.
    """

    wait_s: float
    may_be_async: bool
    applied: str


def preference(request: Request, parts: ApiParts) -> Preference:
    """Return what the client prefers; whatever cannot be understood is ignored, as the RFC says."""
    asked = [
        part.strip().lower()
        for header in request.headers.getlist("prefer")
        for part in header.split(",")
    ]
    waits = [match for part in asked if (match := _WAIT.fullmatch(part))]
    may_be_async = "respond-async" in asked
    applied = ["respond-async"] if may_be_async else []
    wait_s = 0.0 if may_be_async else parts.hold_s
    if waits:
        wait_s = min(float(waits[0][1]), parts.max_hold_s)
        applied.append(f"wait={wait_s:g}")
    return Preference(wait_s, may_be_async, ", ".join(applied))


async def hold(request: Request, parts: ApiParts, record: Record, wait_s: float) -> Record:
    """Return the record once it has ended, `wait_s` are over, or nobody waits any more.

    The client hanging up, or the server being told to stop, ends the waiting, not the work.
    """
    if wait_s <= 0 or record.status.terminal:
        return record
    waiting = asyncio.create_task(parts.requests.wait(record.request_id, wait_s))
    leaving = asyncio.create_task(_hung_up(request))
    try:
        await asyncio.wait([waiting, leaving], return_when=asyncio.FIRST_COMPLETED)
        return waiting.result() if waiting.done() else record
    finally:
        waiting.cancel()
        leaving.cancel()
        await asyncio.wait([waiting, leaving])


async def _hung_up(request: Request) -> None:
    # The body has been read whole: all that can still come is the end of the connection.
    while (await request.receive())["type"] != "http.disconnect":
        pass
