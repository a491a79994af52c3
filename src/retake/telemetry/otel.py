"""Traces by OpenTelemetry's SDK, sent as OTLP over HTTP. Loaded only where they are wanted."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from retake import __version__
from retake.core.errors import Cancelled
from retake.core.watch import ProgressSink, Stage
from retake.telemetry.traces import Call, Traces

_SEND_EVERY_MS = 1000
_CLOSE_MS = 2000
_PROPAGATOR = TraceContextTextMapPropagator()
_REQUEST = "retake.request_id"


class OtelTraces(Traces):
    """Makes spans and sends them where OTEL_EXPORTER_OTLP_ENDPOINT says.

    Args:
        process: Tells this process from the others of the same service.
    """

    def __init__(self, process: str) -> None:
        resource = Resource.create(
            {
                "service.name": os.environ.get("OTEL_SERVICE_NAME") or "retake",
                "service.version": __version__,
                "retake.process": process,
                "process.pid": os.getpid(),
            }
        )
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        # Spans of a process that is killed are lost; with the SDK's five seconds more of them.
        every_ms = int(os.environ.get("OTEL_BSP_SCHEDULE_DELAY") or _SEND_EVERY_MS)
        self._provider.add_span_processor(
            BatchSpanProcessor(OTLPSpanExporter(), schedule_delay_millis=every_ms)
        )
        self._tracer = self._provider.get_tracer("retake", __version__)

    def call(self, method: str, headers: Iterable[tuple[bytes, bytes]]) -> Call:
        """Begin the span of a call; `headers` may name the trace that it is part of."""
        carrier = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
        above = _PROPAGATOR.extract(carrier)
        span = self._tracer.start_span(method, above, SpanKind.SERVER)
        span.set_attribute("http.request.method", method)
        return _OtelCall(span, method)

    def waited(self, request_id: str, trace: str | None, waited_s: float) -> None:
        """Make the span of a request's time in the queue, which is over now."""
        now = time.time_ns()
        began = now - int(waited_s * 1e9)
        span = self._tracer.start_span("wait", _above(trace), start_time=began)
        span.set_attribute(_REQUEST, request_id)
        span.end(now)

    @contextmanager
    def work(
        self, request_id: str, trace: str | None, sink: ProgressSink
    ) -> Generator[ProgressSink]:
        """Make a span of the work on a request in the block, and one of each of its stages."""
        whole = self._tracer.start_span("work", _above(trace), SpanKind.CONSUMER)
        whole.set_attribute(_REQUEST, request_id)
        stages = _Stages(self, whole, sink)
        try:
            yield stages.tell
        except Exception as error:
            # Its message may quote what the user sent.
            code = str(getattr(error, "code", type(error).__name__))
            for span in (stages.span, whole):
                if span is not None:
                    span.set_attribute("error.type", code)
                    if not isinstance(error, Cancelled):
                        span.set_status(Status(StatusCode.ERROR, code))
            raise
        finally:
            stages.end()
            whole.end()

    def begin_stage(self, stage: Stage, whole: Span) -> Span:
        """Begin the span of a stage."""
        return self._tracer.start_span(stage.value, set_span_in_context(whole))

    def close(self) -> None:
        """Send what was not sent yet; takes two seconds at most."""
        self._provider.force_flush(_CLOSE_MS)


class _OtelCall(Call):
    def __init__(self, span: Span, method: str) -> None:
        self._span = span
        self._method = method
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier, set_span_in_context(span))
        self.trace = carrier.get("traceparent")

    def answered(self, route: str | None, status: int, request_id: str | None) -> None:
        span = self._span
        if route is not None:
            span.update_name(f"{self._method} {route}")
            span.set_attribute("http.route", route)
        span.set_attribute("http.response.status_code", status)
        if request_id is not None:
            span.set_attribute(_REQUEST, request_id)
        if status >= 500:
            span.set_status(Status(StatusCode.ERROR))
        span.end()


class _Stages:
    """The span of the stage that the work is in, changed as the work tells of its progress."""

    def __init__(self, traces: OtelTraces, whole: Span, sink: ProgressSink) -> None:
        self._traces = traces
        self._whole = whole
        self._sink = sink
        self._stage: Stage | None = None
        self.span: Span | None = None

    def tell(self, stage: Stage, done: int, total: int) -> None:
        if stage is not self._stage:
            self.end()
            self._stage, self.span = stage, self._traces.begin_stage(stage, self._whole)
        self._sink(stage, done, total)

    def end(self) -> None:
        if self.span is not None:
            self.span.end()
            self.span = None


def _above(trace: str | None) -> Context:
    """Return the context of the span that a ``traceparent`` names."""
    return _PROPAGATOR.extract({} if trace is None else {"traceparent": trace})
