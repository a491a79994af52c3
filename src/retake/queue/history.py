"""What has happened to a request so far, numbered: the same numbers before and after a restart.

Nothing is kept for it beyond the record itself: its moments tell it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from retake.core.request import Status
from retake.queue.progress import Progress, stage_named
from retake.queue.record import Record


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that has happened to a request.

    Attributes:
        number: 1 for the first, and so on.
        name: ``queued``, ``processing``, ``stage``, ``success``, ``failed`` or ``cancelled``.
        status: How the request stood then.
        at: When it was, in Unix time.
        progress: Of a ``stage`` or ``processing``: the stage that began, as in the record.
    """

    number: int
    name: str
    status: Status
    at: int
    progress: dict[str, Any] | None = None


def history(record: Record) -> list[Event]:
    """Return what has happened to the request, in order; the last one may be its end."""
    events = [Event(1, "queued", Status.QUEUED, record.queued_at)]

    def add(name: str, status: Status, at: int, stage: str | None = None) -> None:
        progress = None if stage is None else _beginning(stage)
        events.append(Event(len(events) + 1, name, status, at, progress))

    if record.started_at is not None:
        add("processing", Status.PROCESSING, record.started_at, "fetch")
    for stage, at in record.stages:
        add("stage", Status.PROCESSING, at, stage)
    if record.status.terminal:
        at = record.updated_at if record.finished_at is None else record.finished_at
        add(record.status.value, record.status, at)
    return events


def _beginning(stage: str) -> dict[str, Any]:
    return Progress.begin(stage_named(stage), 0).to_dict()
