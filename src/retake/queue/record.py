"""What is kept of a request, from the moment it is accepted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from retake.core.request import Status
from retake.queue.webhooks.target import Target


@dataclass(frozen=True, slots=True)
class NewRequest:
    """A checked request on its way into the queue.

    Attributes:
        request_id: Unguessable and unique, such as ``secrets.token_hex(16)``.
        key_id: Whose it is; nobody else sees it.
        model: The model id that was asked for.
        engine: The engine that will make it.
        payload: As it was sent; JSON-ready.
        source_ref: Where the source comes from: ``url:…`` or ``upload:…``.
        seed: The seed that is used, sent or drawn.
        warnings: What was not understood, for the user.
        cancel_at: When it is cancelled if it has not ended by then, in Unix time; None is never.
        puts: Where its results are sent when they are there: `Delivery.to_dict`.
        webhook: Who is to be told of it, beside the key's own webhooks.
        trace: The W3C ``traceparent`` of the call that brought it; None without traces.
        priority: Its place among its key's own requests: the highest is worked on first.
        needs: The protocol that a worker must know to do it (`fleet.claims.PROTOCOL`).
    """

    request_id: str
    key_id: str
    model: str
    engine: str
    payload: dict[str, Any]
    source_ref: str
    seed: int
    warnings: tuple[str, ...] = ()
    cancel_at: int | None = None
    puts: dict[str, Any] | None = None
    webhook: Target | None = None
    trace: str | None = None
    priority: int = 0
    needs: int = 1


@dataclass(frozen=True, slots=True)
class Record:
    """A request and how far it has come. Moments are Unix time in whole seconds.

    Attributes:
        outcome: For a success ``{"files": {name: stored name}, "report": {…}, "notes": […]}``;
            no URLs, these are signed anew for every answer. None otherwise.
        error: What `RetakeError.to_dict` gave, for a failure. None otherwise.
        progress: ``{"stage", "done", "total", "percent"}`` while it is worked on; `percent`
            (0 to 100) is that of the whole request, the rest that of the stage. None before
            and after.
        queue_position: How many requests start before this one; None once it has started.
        eta_seconds: Estimated seconds until it is finished; None while nothing can be said.
        cancel_at: When it is cancelled if it has not ended by then; None is never.
        stages: The stages that it has entered after the first, and when.
        stage: The last of them; kept across restarts.
        place: Its number in the order of all requests.
        puts: Where its results are sent; None once it has ended.
        files_removed_at: When its files were removed; None while they are kept.
        webhook: The webhook that it brought along: `Target.to_dict`.
        priority: Its place among its key's own requests: the highest is worked on first.
        needs: The protocol that a worker must know to do it.
    """

    request_id: str
    key_id: str
    model: str
    engine: str
    status: Status
    payload: dict[str, Any]
    source_ref: str
    seed: int
    warnings: tuple[str, ...]
    created_at: int
    queued_at: int
    updated_at: int
    started_at: int | None = None
    finished_at: int | None = None
    outcome: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    progress: dict[str, Any] | None = None
    queue_position: int | None = None
    eta_seconds: int | None = None
    cancel_at: int | None = None
    stages: tuple[tuple[str, int], ...] = ()
    stage: str | None = None
    place: int = 0
    puts: dict[str, Any] | None = None
    files_removed_at: int | None = None
    webhook: dict[str, Any] | None = None
    trace: str | None = None
    priority: int = 0
    needs: int = 1

    @property
    def ran_out(self) -> bool:
        """Whether it was cancelled because its time was over."""
        late = self.cancel_at is not None and (self.finished_at or 0) >= self.cancel_at
        return late and self.status is Status.CANCELLED

    def for_engine(self) -> dict[str, Any]:
        """Return the JSON-ready part that the engine child needs to do the work."""
        return {
            "request_id": self.request_id,
            "key_id": self.key_id,
            "model": self.model,
            "engine": self.engine,
            "payload": self.payload,
            "source_ref": self.source_ref,
            "seed": self.seed,
            "warnings": list(self.warnings),
            "created_at": self.created_at,
            "trace": self.trace,
            "puts": self.puts,
        }
