"""What happens to requests, told by the queue and put into metrics and traces."""

from __future__ import annotations

from dataclasses import dataclass

from retake.core.watch import Stage
from retake.telemetry.metrics import Metrics
from retake.telemetry.traces import Traces


@dataclass(slots=True)
class _Way:
    """A request on its way: when it was accepted and begun, which stage it is in since when."""

    model: str
    accepted: float | None = None
    begun: float | None = None
    stage: Stage | None = None
    since: float = 0.0


class RequestWatch:
    """Follows requests from their acceptance to their end; satisfies the queue's `Observer`.

    Of what was accepted before the server started, the time that it waited is not counted.
    """

    def __init__(self, metrics: Metrics, traces: Traces) -> None:
        self._metrics = metrics
        self._traces = traces
        self._ways: dict[str, _Way] = {}
        self._processing: set[str] = set()

    @property
    def processing(self) -> int:
        """How many requests the engine works on."""
        return len(self._processing)

    def accepted(self, request_id: str, model: str) -> None:
        """Note that a request waits."""
        self._metrics.accepted.labels(model).inc()
        self._ways[request_id] = _Way(model, accepted=self._metrics.clock())

    def begun(self, request_id: str, model: str, stage: Stage | None, trace: str | None) -> None:
        """Note that the engine child works on a request, from `stage` on."""
        now = self._metrics.clock()
        self._processing.add(request_id)
        way = self._ways.setdefault(request_id, _Way(model))
        if way.begun is None and way.accepted is not None:
            waited_s = now - way.accepted
            self._metrics.wait_s.observe(waited_s)
            self._traces.waited(request_id, trace, waited_s)
        way.begun, way.stage, way.since = now, stage or Stage.FETCH, now

    def entered(self, request_id: str, stage: Stage) -> None:
        """Note that a request has entered a stage, and so left the one before."""
        if (way := self._ways.get(request_id)) is not None:
            self._left(way)
            way.stage = stage

    def ended(self, request_id: str, model: str, status: str, code: str | None) -> None:
        """Note how a request ended; `code` says why it failed."""
        way = self._ways.pop(request_id, None)
        self._processing.discard(request_id)
        self._metrics.ended.labels(model, status).inc()
        if code is not None:
            self._metrics.failed(code)
        if way is not None and way.begun is not None:
            if status == "success":
                self._left(way)
            self._metrics.run_s.labels(status).observe(self._metrics.clock() - way.begun)

    def engine_lost(self) -> None:
        """Note that the engine child has ended though nobody told it to."""
        self._metrics.engine_restarts.inc()
        self._processing.clear()

    def _left(self, way: _Way) -> None:
        now = self._metrics.clock()
        if way.stage is not None:
            self._metrics.stage_s.labels(way.stage.value).observe(now - way.since)
        way.since = now
