"""Telling an observer of the requests that this process has accepted, whoever works on them.

Each process tells of its own: what all of them count adds up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from retake.core.watch import Stage
from retake.queue.fleet.mirror import Seen
from retake.queue.observer import Observer
from retake.queue.progress import stage_named
from retake.queue.record import NewRequest, Record


@dataclass(slots=True)
class _Way:
    model: str
    trace: str | None
    begun: bool = False
    stage: Stage = Stage.FETCH


class Own:
    """The requests that were accepted here and have not ended.

    Args:
        observer: Gives who is told of them.
    """

    def __init__(self, observer: Callable[[], Observer]) -> None:
        self._observer = observer
        self._ways: dict[str, _Way] = {}

    def accept(self, new: NewRequest) -> None:
        """Note that a request was accepted."""
        self._ways[new.request_id] = _Way(new.model, new.trace)
        self._observer().accepted(new.request_id, new.model)

    def has(self, request_id: str) -> bool:
        """Return whether it was accepted here."""
        return request_id in self._ways

    def see(self, seen: Seen) -> None:
        """Note how a request stands, if it was accepted here."""
        way = self._ways.get(seen.request_id)
        if way is None or not seen.processing:
            return
        if not way.begun:
            way.begun = True
            self._observer().begun(seen.request_id, way.model, None, way.trace)
        stage = stage_named(seen.stage)
        if stage is not None and stage is not way.stage:
            way.stage = stage
            self._observer().entered(seen.request_id, stage)

    def end(self, record: Record) -> None:
        """Note how a request ended, if it was accepted here."""
        way = self._ways.pop(record.request_id, None)
        if way is not None:
            code = None if record.error is None else str(record.error.get("code"))
            self._observer().ended(record.request_id, way.model, record.status.value, code)
