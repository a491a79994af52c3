"""What is measured of a running server whenever somebody asks for its metrics."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from retake.telemetry.metrics import Metrics
from retake.telemetry.requests import RequestWatch
from retake.telemetry.traces import Traces, make_traces

if TYPE_CHECKING:
    from retake.bootstrap.hands import Hands
    from retake.queue.data_dir import DataDir
    from retake.queue.requests import Requests

_LOOK_AGAIN_S = 60.0


def operated(requests: Requests, hands: Hands, data_dir: DataDir) -> tuple[Metrics, Traces]:
    """Return what counts and what traces a server, told from now on what happens to requests."""
    metrics, traces = Metrics(), make_traces("server")
    watch = RequestWatch(metrics, traces)
    requests.front.observer = watch
    _measure(metrics, watch, requests, hands, data_dir.path)
    return metrics, traces


def _measure(
    metrics: Metrics,
    watch: RequestWatch,
    requests: Requests,
    hands: Hands,
    path: Path,
) -> None:
    front = requests.front

    def processing() -> int:
        # Of a fleet only the front knows, since the workers are elsewhere.
        return max(watch.processing, front.processing)

    queue = "Requests that are accepted and not begun"
    metrics.gauge("retake_requests_queued", queue, lambda: len(front.unfinished) - processing())
    made = "Requests that the engine works on"
    metrics.gauge("retake_requests_processing", made, processing)
    ready = "Whether the engine is ready: 1, else 0"
    metrics.gauge("retake_engine_ready", ready, lambda: int(hands.ready))
    memory = "Resident memory of the engine child and what it started"
    metrics.gauge("retake_engine_resident_memory_bytes", memory, lambda: _resident(hands.pid))
    free = "Free space on the data folder's disk"
    metrics.gauge("retake_disk_free_bytes", free, lambda: shutil.disk_usage(path).free)
    metrics.registry.register(_FolderSizes(path))


def _resident(pid: int | None) -> float:
    """Return the resident memory of a process and its children in bytes; 0 where none is told."""
    if pid is None:
        return 0.0
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (OSError, ValueError, IndexError):
        return 0.0
    own = pages * os.sysconf("SC_PAGE_SIZE")
    return own + sum(_resident(int(child)) for child in children)


class _FolderSizes(Collector):
    """The sizes of the data folder's parts, looked at once a minute at most."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._looked_at = -_LOOK_AGAIN_S
        self._sizes: dict[str, int] = {}

    def describe(self) -> list[GaugeMetricFamily]:
        return [self._family()]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        if time.monotonic() - self._looked_at >= _LOOK_AGAIN_S:
            self._sizes = {part: _size(path) for part, path in self._parts()}
            self._looked_at = time.monotonic()
        family = self._family()
        for part, size in self._sizes.items():
            family.add_metric([part], size)
        yield family

    def _family(self) -> GaugeMetricFamily:
        what = "Space taken in the data folder; looked at once a minute"
        return GaugeMetricFamily("retake_data_bytes", what, labels=["part"])

    def _parts(self) -> Iterator[tuple[str, Path]]:
        yield "work", self._path / "work"
        yield "uploads", self._path / "files" / "uploads"
        yield "outputs", self._path / "files" / "outputs"
        for name in ("requests.sqlite", "requests.sqlite-wal", "dbos.sqlite"):
            yield name, self._path / name


def _size(path: Path) -> int:
    """Return the size of a file, or of all files in a folder; 0 where there is none."""
    try:
        if not path.is_dir():
            return path.stat().st_size
        with os.scandir(path) as entries:
            return sum(
                _size(Path(entry.path))
                if entry.is_dir(follow_symlinks=False)
                else entry.stat(follow_symlinks=False).st_size
                for entry in entries
            )
    except OSError:
        return 0
