"""Pages of 50 among a million requests: the newest, deep ones, and narrowed ones.

A data folder of the first version is filled by SQL (not counted) and brought up to date. Each kind
of page is asked for in this process, where the processor time that an answer takes does not depend
on what else the machine does, and from the real server over one connection, where wall time counts.
"""

from __future__ import annotations

import asyncio
import json
import random
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from retake.api.answer import json_bytes
from retake.api.links import Links
from retake.api.parts import ApiParts
from retake.api.schemas import record_json
from retake.core.request import Status
from retake.queue.data_dir import DataDir
from retake.queue.database import Dialect
from retake.queue.keys import Keys
from retake.queue.listing import Wanted
from retake.queue.requests import Requests
from retake.queue.schema import open_writer
from retake.queue.tables import STEPS
from retake.storage import LocalStorage
from serving import PREFIX, serving

Query = Callable[[], dict[str, Any]]
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


def fill(data_dir: DataDir, count: int) -> str:
    """Put `count` ended requests of one key into the data folder; return the key."""
    keys = Keys(data_dir.keys)
    key = keys.create("benchmark")
    key_id = keys.list()[0].key_id
    keys.close()
    db = sqlite3.connect(data_dir.requests, isolation_level=None)
    db.execute("pragma synchronous=off")
    db.executescript(f"{STEPS[0][Dialect.SQLITE]} pragma user_version=1; begin;")
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


def measure(folder: Path, count: int, pages: int) -> Iterator[tuple[str, float]]:
    """Ask for pages of every kind, here and from a server.

    Yields:
        What was asked for, and the 99th of 100 times that the server's answers took, in ms.
    """
    began = time.monotonic()
    data_dir = DataDir(folder)
    key = fill(data_dir, count)
    size = sum(file.stat().st_size for file in folder.iterdir() if file.is_file())
    print(f"      {count} requests, {size / 1e9:.2f} GB, in {time.monotonic() - began:.0f} s")
    deep = _here(data_dir, count, pages)
    with serving(folder) as server:
        print(f"      the server listens {server.listens_s:.2f} s after its start")
        host = urlsplit(server.url)
        client = HTTPConnection(host.hostname or "", host.port)
        for name, query in kinds(count, deep).items():
            ask = partial(_there, client, key, query)
            yield name, _tell(f"there {name}", time.perf_counter, pages, ask)
        client.close()


def _here(data_dir: DataDir, count: int, pages: int) -> list[str]:
    """Tell what a page costs without HTTP; return ids from everywhere in the list."""
    keys, requests = Keys(data_dir.keys), Requests(data_dir)
    storage = LocalStorage(data_dir.files, bytes(32))
    links = Links(ApiParts(requests, keys, storage, ()), "http://127.0.0.1:8484", 2_000_000_000)
    key_id = keys.list()[0].key_id
    db = sqlite3.connect(data_dir.requests)
    deep = [row[0] for row in db.execute(_DEEP, (max(count // pages, 1),))]
    db.close()

    def here(query: Query) -> bytes:
        wanted = query()
        cursor = wanted.pop("cursor")
        page = requests.list(key_id, Wanted(**wanted), limit=51, before=cursor)
        found, total = asyncio.run(page)
        listed = [record_json(record, links) for record in found[:50]]
        return json_bytes({"requests": listed, "total": total})

    for name, query in kinds(count, deep).items():
        _tell(f"here  {name}", time.thread_time, pages, partial(here, query))
    requests.close()
    keys.close()
    return deep


def _there(client: HTTPConnection, key: str, query: Query) -> bytes:
    """Ask a server for a page; return it as it came."""
    names = {"since": "created_after", "until": "created_before"}
    params = {names.get(name, name): value for name, value in query().items() if value is not None}
    path = f"{PREFIX}/requests?{urlencode(params)}"
    client.request("GET", path, headers={"Authorization": f"Bearer {key}"})
    return client.getresponse().read()


def kinds(count: int, deep: list[str]) -> dict[str, Query]:
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


def _tell(name: str, clock: Callable[[], float], pages: int, ask: Callable[[], bytes]) -> float:
    """Ask for one kind of page `pages` times, print what it took; return the 99th of 100, in ms."""
    took_ms: list[float] = []
    listed = 0
    for _ in range(pages):
        began = clock()
        page = ask()
        took_ms.append((clock() - began) * 1000)
        # What a client does with it is the client's.
        listed += len(json.loads(page)["requests"])
    took_ms.sort()
    p50, p99 = took_ms[len(took_ms) // 2], took_ms[len(took_ms) * 99 // 100]
    print(f"      {name:28} p50 {p50:6.2f} ms  p99 {p99:6.2f} ms  {listed / pages:4.1f} a page")
    return p99
