"""What the server costs: every goal of the HTTP surface, measured in one run.

    python benchmarks/api.py [start idle rates saturated pages] [--requests 1000000] [--seconds 10]

The server is the real one, started as `retake serve` starts it, every accepted request on the disk
before it is answered. What asks is a process of its own (`benchmarks/load.py`), on the same two
processors, so both are counted: "us of the server" is the processor time that an answer took there,
which does not depend on what else the machine does; rates and times do, so its load is told.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

import pages
from serving import PREFIX, Serving, serving, stalling

_REST_S = 8.0
"""After so long the engine child has nothing left to do and sleeps."""
_IDLE_S = 20.0
_WARM = 3
_MEMORY = Path("/dev/shm")
_COMMIT_BYTES = 40 * 1024
"""Roughly what a submit writes: ten pages."""
_LOAD = Path(__file__).with_name("load.py")
_missed: list[str] = []


def main() -> None:
    """Run the parts that were asked for, and end with 1 where a goal was missed."""
    kinds: dict[str, Callable[[argparse.Namespace, Path], None]] = {
        "start": start,
        "idle": idle,
        "rates": rates,
        "saturated": saturated,
        "pages": list_pages,
    }
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=[[], *kinds], default=[])
    parser.add_argument(
        "--requests", type=int, default=1_000_000, help="how many are paged through"
    )
    parser.add_argument("--pages", type=int, default=400, help="how many pages of each kind")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each load lasts")
    options = parser.parse_args()
    for name in options.parts or kinds:
        with tempfile.TemporaryDirectory() as folder:
            kinds[name](options, Path(folder) / "data")
    print(f"missed: {', '.join(_missed)}" if _missed else "every goal was reached")
    sys.exit(bool(_missed))


def goal(
    name: str, found: float, unit: str, most: float | None, least: float | None = None
) -> None:
    """Print a figure beside its goal, and whether it was reached."""
    wanted = f"<= {most:g}" if most is not None else f">= {least:g}"
    good = found <= most if most is not None else least is not None and found >= least
    if not good:
        _missed.append(name)
    load = os.getloadavg()[0]
    print(
        f"{'pass' if good else 'MISS'}  {name:44} {found:9.2f} {unit:12} goal {wanted:8} "
        f"load {load:4.1f}",
        flush=True,
    )


def start(_options: argparse.Namespace, folder: Path) -> None:
    """How soon a server is there: a first start, then later ones."""
    with serving(folder):
        pass
    found: list[Serving] = []
    spent: list[tuple[float, float]] = []
    for _ in range(_WARM):
        with serving(folder) as server:
            spent.append(server.processor_s())
            found.append(server)
    listens_s = min(server.listens_s for server in found)
    api, child = min(spent)
    print(f"      best of {_WARM}: listens after {listens_s:.2f} s; processor time until ready:")
    print(f"      server {api:.2f} s and, beside it, engine child {child:.2f} s")
    goal("ready after its start", min(server.ready_s for server in found), "s", 1.5)


def idle(_options: argparse.Namespace, folder: Path) -> None:
    """What server and engine child cost while nobody asks."""
    with serving(folder) as server:
        _until_idle(server)
        time.sleep(_REST_S)
        before = server.processor_s()
        time.sleep(_IDLE_S)
        after = server.processor_s()
    api, child = ((b - a) / _IDLE_S * 100 for a, b in zip(before, after, strict=True))
    print(f"      server {api:.2f} %, engine child {child:.2f} % of a processor")
    goal("idle, both", api + child, "% of one", 1.0)


def rates(options: argparse.Namespace, folder: Path) -> None:
    """Latencies at 100 creates and 300 looks a second; on this disk, and with files in memory."""
    print(f"      the disk alone: {_disk_alone(folder.parent)}")
    _rates(options, folder, "")
    if _MEMORY.is_dir():
        with tempfile.TemporaryDirectory(dir=_MEMORY) as memory:
            _rates(options, Path(memory) / "data", ", in memory")


def _disk_alone(folder: Path) -> str:
    """Tell how long the disk takes for what a commit writes, without any server."""
    took_ms: list[float] = []
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(bytes(_COMMIT_BYTES * 100))
        file.flush()
        os.fsync(file.fileno())
        for n in range(500):
            began = time.perf_counter()
            os.pwrite(file.fileno(), bytes(_COMMIT_BYTES), n % 100 * _COMMIT_BYTES)
            os.fdatasync(file.fileno())
            took_ms.append((time.perf_counter() - began) * 1000)
            time.sleep(0.01)
    took_ms.sort()
    return f"p50 {took_ms[250]:.2f} ms, p99 {took_ms[495]:.2f} ms, longest {took_ms[-1]:.0f} ms"


def _rates(options: argparse.Namespace, folder: Path, where: str) -> None:
    with stalling() as never, _busy(folder, never) as server:
        known = _load(server, seconds=1.0, kind="create", connections=1)["request_ids"]
        told = _load(
            server,
            seconds=options.seconds,
            create_rate=100,
            status_rate=300,
            connections=32,
            known=known,
        )
    for kind, most in (("create", 10.0), ("status", None)):
        took = sorted(told["took_ms"][kind])
        p50, p99 = took[len(took) // 2], took[len(took) * 99 // 100]
        print(f"      {kind}{where}: {len(took)} answers, p50 {p50:.2f} ms, p99 {p99:.2f} ms")
        if most is not None:
            goal(f"{kind} p99 at 100 + 300 a second{where}", p99, "ms", most)


def saturated(options: argparse.Namespace, folder: Path) -> None:
    """How many creates and looks a second 16 connections get through."""
    with stalling() as never, _busy(folder, never) as server:
        known: list[str] = []
        for kind, least in (("create", 2000.0), ("status", 4000.0)):
            before = server.processor_s()[0]
            told = _load(server, seconds=options.seconds, kind=kind, known=known)
            spent = server.processor_s()[0] - before
            known = known or told["request_ids"]
            took = sorted(told["took_ms"][kind])
            each_us = spent / len(took) * 1e6
            client_us = told["processor_s"] / len(took) * 1e6
            print(
                f"      {kind}: {len(took)} answers, p50 {took[len(took) // 2]:.2f} ms, "
                f"p99 {took[len(took) * 99 // 100]:.2f} ms; {each_us:.0f} us of the server, "
                f"{client_us:.0f} us of the client each"
            )
            goal(f"{kind}s saturated", len(took) / told["seconds"], "a second", None, least)


def list_pages(options: argparse.Namespace, folder: Path) -> None:
    """Pages of 50 with a million requests in the database."""
    for name, p99_ms in pages.measure(folder, options.requests, options.pages):
        goal(f"page of 50, {name}, p99", p99_ms, "ms", 5.0)


def _busy(folder: Path, never: str) -> Any:
    """Serve with an engine that has something to do which costs nothing: requests wait."""
    return _Busy(folder, never)


class _Busy:
    def __init__(self, folder: Path, never: str) -> None:
        stall = {"RETAKE_FETCH_STALL_S": "3600", "RETAKE_FETCH_TOTAL_S": "3600"}
        room = {"RETAKE_MAX_UNFINISHED": "0", "RETAKE_MAX_UNFINISHED_PER_KEY": "0"}
        self._serving = serving(folder, RETAKE_FETCH_ALLOW_PRIVATE="1", **stall, **room)
        self._never = never

    def __enter__(self) -> Serving:
        server = self._serving.__enter__()
        body = {"model": "ltx-2-pro-retake", "payload": {"video_uri": self._never}}
        headers = {"Authorization": f"Bearer {server.key}", "Prefer": "respond-async"}
        for _ in range(2):
            url = f"{server.url}{PREFIX}/requests"
            answer = httpx.post(url, json=body, headers=headers, trust_env=False)
            assert answer.status_code == 202, answer.text
        _until_idle(server)
        return server

    def __exit__(self, *error: object) -> None:
        self._serving.__exit__(None, None, None)


def _until_idle(server: Serving) -> None:
    """Wait until the engine child has compiled what it needs: that is not to be measured here."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        before = server.processor_s()[1]
        time.sleep(1)
        if server.processor_s()[1] - before < 0.05:
            return


def _load(server: Serving, **order: Any) -> dict[str, Any]:
    given = json.dumps({"url": server.url, "key": server.key, **order})
    done = subprocess.run(
        [sys.executable, str(_LOAD)], input=given, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    if told["refused"]:
        print(f"      refused: {told['refused']}")
        _missed.append("answers that were no 2xx")
    return told


if __name__ == "__main__":
    main()
