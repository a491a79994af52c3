"""Who is told what happens to requests, to count it and to trace it."""

from __future__ import annotations

from typing import Protocol

from retake.core.watch import Stage


class Observer(Protocol):
    """Is told what happens to requests, on the server's event loop.

    What it does has to be quick and must not fail. After a restart of the server it hears of
    requests whose acceptance it was not told of.
    """

    def accepted(self, request_id: str, model: str) -> None:
        """Note that a request is on the disk and waits."""

    def begun(self, request_id: str, model: str, stage: Stage | None, trace: str | None) -> None:
        """Note that the engine child works on a request.

        Args:
            request_id: Which.
            model: The model that was asked for.
            stage: The stage that it had reached before; None at its beginning.
            trace: Its W3C ``traceparent``.
        """

    def entered(self, request_id: str, stage: Stage) -> None:
        """Note that a request has entered a stage."""

    def ended(self, request_id: str, model: str, status: str, code: str | None) -> None:
        """Note how a request ended; `code` says why it failed."""

    def engine_lost(self) -> None:
        """Note that an engine child has ended though nobody told it to."""


class Unobserved(Observer):
    """Takes no notice."""
