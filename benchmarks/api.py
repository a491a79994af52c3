"""What the API costs with a million requests in its database.

    python benchmarks/api.py [--requests 1000000] [--pages 400]

A data folder of the first version is filled by SQL (not counted) and brought up to date; then pages
of 50 are asked for: the newest, deep ones, and narrowed ones. First in this process, where the
processor time that an answer takes does not depend on what else the machine does; then from the
real server over one connection, where wall time counts, and the load of the machine is told too.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import secrets
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from retake.api.answer import json_bytes
from retake.api.links import Links
from retake.api.parts import ApiParts
from retake.api.schemas import record_json
from retake.core.request import Status
from retake.queue.data_dir import DataDir
from retake.queue.keys import Keys
from retake.queue.listing import Wanted
from retake.queue.requests import Requests
from retake.queue.schema import open_writer
from retake.queue.tables import STEPS
from retake.storage import LocalStorage

PREFIX = "/api/v1/ie/requestqueue/apikey"
MODELS = ("ltx-2-pro-retake", "vfx-retake")
FIRST_S, EVERY_S = 1_700_000_000, 30
# One in five thousand has failed: those are the pages for which most has to be passed over.
RARE = 5000
_INSERT = """
insert into requests (request_id, key_id, model, engine, status, payload, source_ref, seed,
                      warnings, created_at, queued_at, updated_at, started_at, finished_at, outcome)
values (?, ?, ?, 'vfx', ?, ?, 'url:x', 1, '[]', ?, ?, ?, ?, ?, ?)
"""
_DEEP = "select request_id from requests where seq % ? = 0"


def main() -> None:
    """Run the benchmark and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--pages", type=int, default=400, help="how many of each kind")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "data"
        began = time.monotonic()
        key = fill(DataDir(folder), options.requests)
        size = sum(file.stat().st_size for file in folder.iterdir() if file.is_file())
        took_s = time.monotonic() - began
        print(f"{options.requests} requests, {size / 1e9:.2f} GB, filled in {took_s:.0f} s")
        measure(folder, key, options.requests, options.pages)


def fill(data_dir: DataDir, count: int) -> str:
    """Put `count` ended requests of one key into the data folder; return the key."""
    keys = Keys(data_dir.keys)
    key = keys.create("benchmark")
    key_id = keys.list()[0].key_id
    keys.close()
    db = sqlite3.connect(data_dir.requests, isolation_level=None)
    db.execute("pragma synchronous=off")
    db.executescript(f"{STEPS[0]} pragma user_version=1; begin;")
    db.executemany(_INSERT, rows(key_id, count))
    db.execute("commit")
    db.close()
    began = time.process_time()
    open_writer(data_dir.requests).close()
    print(f"brought up to date in {time.process_time() - began:.1f} s of processor time")
    return key


def rows(key_id: str, count: int) -> Iterator[tuple[Any, ...]]:
    """Yield the values of `count` requests, as large as real ones are."""
    payload = {"video_uri": "https://example.com/video.mp4", "start_time": 3, "duration": 5}
    payload |= {"prompt": "A dramatic explosion with bright orange flames", "mode": "replace_video"}
    sent = json.dumps(payload)
    for n in range(count):
        request_id, at = secrets.token_hex(16), FIRST_S + n * EVERY_S
        files = {role: f"outputs/{request_id}/{role}" for role in ("video", "thumbnail", "report")}
        report = {"checks": [{"name": f"check {i}", "passed": True} for i in range(20)]}
        outcome = json.dumps({"files": files, "report": report, "notes": ["understood: explosion"]})
        status = "failed" if n % RARE == 0 else "success"
        times = (at, at, at + 20, at + 1, at + 20)
        yield (request_id, key_id, MODELS[n % 10 == 0], status, sent, *times, outcome)


def measure(folder: Path, key: str, count: int, pages: int) -> None:
    """Ask for pages of every kind, here and from a server, and print what they took."""
    data_dir = DataDir(folder)
    keys, requests = Keys(data_dir.keys), Requests(data_dir)
    storage = LocalStorage(data_dir.files, bytes(32))
    links = Links(ApiParts(requests, keys, storage, ()), "http://127.0.0.1:8484", 2_000_000_000)
    key_id = keys.list()[0].key_id
    deep = [row[0] for row in requests._store._reader.execute(_DEEP, (max(count // pages, 1),))]

    def here(limit: int, cursor: str | None, **wanted: Any) -> int:
        found, total = requests.list(key_id, Wanted(**wanted), limit=limit + 1, before=cursor)
        listed = [record_json(record, links) for record in found[:limit]]
        json_bytes({"requests": listed, "total": total})
        return len(listed)

    for name, query in kinds(count, deep).items():
        tell(f"here  {name}", time.thread_time, pages, lambda q=query: here(50, **q()))
    requests.close()
    keys.close()
    with serving(folder) as base:
        headers = {"Authorization": f"Bearer {key}"}
        with httpx.Client(base_url=base + PREFIX, headers=headers, trust_env=False) as client:
            for name, query in kinds(count, deep).items():
                tell(f"there {name}", time.perf_counter, pages, lambda q=query: there(client, q()))


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Run the real server on a data folder; gives its address."""
    command = [sys.executable, "-m", "retake.cli.main", "serve", "--port", "0"]
    began = time.monotonic()
    server = subprocess.Popen(
        [*command, "--data-dir", str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"RETAKE_LOG_LEVEL": "WARNING"},
    )
    try:
        assert server.stdout is not None
        address = re.search(r"http://\S+", server.stdout.readline())
        assert address is not None
        print(f"the server listens {time.monotonic() - began:.2f} s after its start")
        yield address[0]
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)


def there(client: httpx.Client, query: dict[str, Any]) -> int:
    """Ask a server for a page; return how many requests it holds."""
    names = {"since": "created_after", "until": "created_before"}
    params = {names.get(name, name): value for name, value in query.items() if value is not None}
    return len(client.get("/requests", params=params).json()["requests"])


def kinds(count: int, deep: list[str]) -> dict[str, Callable[[], dict[str, Any]]]:
    """Return what makes the queries to be measured, by name."""
    last = FIRST_S + count * EVERY_S

    def query(**wanted: Any) -> dict[str, Any]:
        return {"cursor": random.choice(deep), **wanted}

    def year() -> dict[str, Any]:
        since = random.randint(FIRST_S, last)
        return {"cursor": None, "since": since, "until": since + 31_536_000}

    return {
        "the newest": lambda: query(cursor=None),
        "anywhere": query,
        "of a model": lambda: query(model=MODELS[1]),
        "rare status": lambda: query(status=Status.FAILED),
        "rare status and model": lambda: query(status=Status.FAILED, model=MODELS[1], cursor=None),
        "within a year": year,
    }


def tell(name: str, clock: Callable[[], float], pages: int, ask: Callable[[], int]) -> None:
    """Ask for one kind of page `pages` times and print what it took."""
    took_ms: list[float] = []
    listed = 0
    for _ in range(pages):
        began = clock()
        listed += ask()
        took_ms.append((clock() - began) * 1000)
    took_ms.sort()
    p50, p99 = took_ms[len(took_ms) // 2], took_ms[len(took_ms) * 99 // 100]
    held, load = listed / pages, os.getloadavg()[0]
    print(f"{name:28} p50 {p50:6.2f} ms  p99 {p99:6.2f} ms  {held:4.1f} a page, load {load:.1f}")


if __name__ == "__main__":
    main()
