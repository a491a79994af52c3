"""Watching a piece of work: its progress goes out, a wish to cancel comes in."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from threading import Event

from retake.core.errors import Cancelled


class Stage(StrEnum):
    """The stages of one request, in order."""

    FETCH = "fetch"
    PROBE = "probe"
    PLAN = "plan"
    GENERATE = "generate"
    RENDER = "render"
    VERIFY = "verify"
    PUBLISH = "publish"


ProgressSink = Callable[[Stage, int, int], None]


def _ignore(_stage: Stage, _done: int, _total: int) -> None:
    return


class Watch:
    """Passed down to everything that takes long.

    Args:
        sink: Called as ``sink(stage, done, total)`` with whole numbers; `total` is 0 while it is
            not known. It may be called from any thread and must return quickly.
        cancel: Set by whoever wants the work to stop.
    """

    def __init__(self, sink: ProgressSink = _ignore, cancel: Event | None = None) -> None:
        self._sink = sink
        self._cancel = cancel or Event()

    def progress(self, stage: Stage, done: int, total: int) -> None:
        """Tell how far a stage is, then stop here if somebody asked for it.

        Raises:
            Cancelled: The work is to stop.
        """
        self.check()
        self._sink(stage, done, total)

    def part(self, number: int, of: int) -> Watch:
        """Return a watch for one of several equal parts of a stage, which it tells as a whole."""

        def sink(stage: Stage, done: int, total: int) -> None:
            told = number * total + min(done, total), of * total
            self._sink(stage, *(told if total else (number, of)))

        return self.told_by(sink)

    def told_by(self, sink: ProgressSink) -> Watch:
        """Return a watch that tells something else and heeds the same wish to cancel."""
        return Watch(sink, self._cancel)

    def cancelled(self) -> bool:
        """Return whether the work is to stop."""
        return self._cancel.is_set()

    def check(self) -> None:
        """Stop here if somebody asked for it.

        Raises:
            Cancelled: The work is to stop.
        """
        if self._cancel.is_set():
            raise Cancelled
