"""Metrics in Prometheus' terms: counted here, told by `exposition`. docs/operations.md lists them.

Labels hold models, statuses, stages, codes, routes and verbs, never anything of a key or a request;
the number of their values is bounded.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.process_collector import ProcessCollector

from retake import __version__

# They would say of every series when it was first counted.
disable_created_metrics()

CONTENT_TYPE = CONTENT_TYPE_LATEST
OTHER = "other"
_MOST_VALUES = 200
_VERBS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_CALL_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 15, 60)
_WORK_S = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640, 1800)
_WAIT_S = (0.05, 0.25, 1, 5, 15, 60, 300, 900, 3600, 14400)


class Metrics:
    """What happens to calls and requests, in numbers.

    Args:
        clock: Gives monotonic time in seconds.

    Attributes:
        registry: Where further metrics may be registered.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self.registry)
        registry = self.registry
        info = Gauge("retake_info", "This server, always 1", ["version"], registry=registry)
        info.labels(__version__).set(1)
        self.accepted = Counter(
            "retake_requests_accepted", "Requests accepted", ["model"], registry=registry
        )
        self.ended = Counter(
            "retake_requests_ended", "Requests ended", ["model", "status"], registry=registry
        )
        self.failures = Counter(
            "retake_request_failures", "Requests failed, by code", ["code"], registry=registry
        )
        self.wait_s = Histogram(
            "retake_request_wait_seconds",
            "From accepted to begun",
            buckets=_WAIT_S,
            registry=registry,
        )
        self.run_s = Histogram(
            "retake_request_run_seconds",
            "From begun to ended",
            ["status"],
            buckets=_WORK_S,
            registry=registry,
        )
        self.stage_s = Histogram(
            "retake_stage_seconds",
            "How long a stage of a request took",
            ["stage"],
            buckets=_WORK_S,
            registry=registry,
        )
        self.engine_restarts = Counter(
            "retake_engine_restarts", "Engine children that were lost", registry=registry
        )
        self._calls = Counter(
            "retake_http_requests",
            "Calls answered",
            ["method", "route", "status"],
            registry=registry,
        )
        self._call_s = Histogram(
            "retake_http_request_seconds",
            "From a call's head to its answer's last byte",
            ["method", "route"],
            buckets=_CALL_S,
            registry=registry,
        )
        self._refusals = Counter(
            "retake_http_errors",
            "Calls answered with an error, by code",
            ["code"],
            registry=registry,
        )
        self._series: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._codes: set[str] = set()
        self.clock = clock

    def gauge(self, name: str, what: str, read: Callable[[], float]) -> None:
        """Tell a number that is read whenever somebody asks."""
        Gauge(name, what, registry=self.registry).set_function(read)

    def failed(self, code: str) -> None:
        """Count a request that failed."""
        self.failures.labels(self._bounded(code)).inc()

    def called(
        self, method: str, route: str | None, status: int, took_s: float, error: str | None
    ) -> None:
        """Count a call that was answered; `route` is its path's template, None of no path."""
        # The verb is the client's word.
        known = (method if method in _VERBS else OTHER, route or OTHER, status)
        if (series := self._series.get(known)) is None:
            count, duration = self._calls.labels(*known), self._call_s.labels(*known[:2])
            series = self._series[known] = (count, duration)
        series[0].inc()
        series[1].observe(took_s)
        if error is not None:
            self._refusals.labels(self._bounded(error)).inc()

    def exposition(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    def _bounded(self, code: str) -> str:
        if code not in self._codes:
            # Another server's codes may come through; there is no end to what they may be.
            if len(self._codes) >= _MOST_VALUES:
                return OTHER
            self._codes.add(code)
        return code
