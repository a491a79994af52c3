"""OpenTelemetry traces: one for each request, from the call that brought it to its last stage.

They are made only where OTEL_EXPORTER_OTLP_ENDPOINT (or its …_TRACES_… form) says where they go and
the extra ``otel`` is installed; otherwise nothing of OpenTelemetry's SDK is loaded. The SDK's own
environment variables hold: names, headers, sampling.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from importlib.util import find_spec

from retake.core.watch import ProgressSink

_log = logging.getLogger(__name__)

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


class Call:
    """A call that is being answered; this one is not traced.

    Attributes:
        trace: Its W3C ``traceparent``, which the request that it brings keeps; None when it is not
            traced.
    """

    trace: str | None = None

    def answered(self, route: str | None, status: int, request_id: str | None) -> None:
        """Note its path's template, its status, and the request that it was about."""


class Traces:
    """Makes spans of what happens; this one makes none."""

    def call(self, method: str, headers: Iterable[tuple[bytes, bytes]]) -> Call:
        """Begin the span of a call; `headers` may name the trace that it is part of."""
        del method, headers
        return _UNTRACED

    def waited(self, request_id: str, trace: str | None, waited_s: float) -> None:
        """Make the span of a request's time in the queue, which is over now."""

    @contextmanager
    def work(
        self, request_id: str, trace: str | None, sink: ProgressSink
    ) -> Generator[ProgressSink]:
        """Make a span of the work on a request in the block, and one of each of its stages.

        What the block is given is to be called in place of `sink`, which it calls.
        """
        del request_id, trace
        yield sink

    def close(self) -> None:
        """Send what was not sent yet; takes two seconds at most."""


_UNTRACED = Call()


def make_traces(process: str) -> Traces:
    """Return what traces this process, as its environment says; `process` tells it from others."""
    wanted = any(os.environ.get(name) for name in _ENDPOINTS)
    if not wanted or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return Traces()
    if find_spec("opentelemetry.exporter") is None or find_spec("opentelemetry.sdk") is None:
        _log.warning(
            "%s is set, but traces need the extra `otel`: pip install 'openretake[otel]'",
            " or ".join(_ENDPOINTS),
        )
        return Traces()
    from retake.telemetry.otel import OtelTraces

    return OtelTraces(process)
