"""The parts of `benchmarks/queueing.py`: a server and its worker in one process, and figures."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from retake.bootstrap.hands import FleetHands
from retake.queue.data_dir import DataDir
from retake.queue.database import Database
from retake.queue.fleet.claims import Able, Claims
from retake.queue.fleet.replica import Replica
from retake.queue.fleet.rescue import Rescue
from retake.queue.fleet.slot import Slot
from retake.queue.fleet.station import Place, Station
from retake.queue.observer import Observer
from retake.queue.opening import open_database
from retake.queue.record import NewRequest
from retake.queue.requests import Requests
from retake.queue.store import Store
from retake.queue.supervisor import Supervisor
from retake.queue.unfinished import Capacity

_CHILD = Path(__file__).with_name("queueing_child.py")
_LEASE_S = 3.0
_TICKS = os.sysconf("SC_CLK_TCK")
_LOOKS = 60
_DONE = 60


@dataclass
class Figures:
    """What was found; None where there is no such thing. Pairs are as the table's rows say."""

    creates_s: float = 0.0
    create_ms: tuple[float, float] = (0.0, 0.0)
    start_ms: tuple[float, float] = (0.0, 0.0)
    done_s: float = 0.0
    behind: float = 0.0
    child_s: float = 0.0
    server_s: float = 0.0
    worker_s: float | None = None
    claims_s: float | None = None
    connections: float | None = None
    row_bytes: float | None = None
    idle: tuple[float, float] = (0.0, 0.0)


class Begun(Observer):
    """Notes when each request began, and in which order."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}

    def begun(self, request_id: str, model: str, stage: Any, trace: str | None) -> None:
        """Note it."""
        del model, stage, trace
        self.at[request_id] = time.perf_counter()


@dataclass
class Running:
    """A server with one slot."""

    requests: Requests
    hands: FleetHands | Supervisor
    begun: Begun
    database: Database
    url: str

    async def submit(self, key_id: str = "key", **payload: Any) -> str:
        """Ask for something that takes `work_s`, or no time; returns its id."""
        name = secrets.token_hex(8)
        await self.requests.create(NewRequest(name, key_id, "m", "none", payload, "url:x", 1))
        return name

    async def end(self, request_id: str) -> None:
        """Wait until a request has ended."""
        record = await self.requests.wait(request_id, 120)
        assert record.status == "success", record

    async def until_begun(self, request_id: str) -> float:
        """Wait until a request has begun; returns when."""
        while request_id not in self.begun.at:
            await asyncio.sleep(0.002)
        return self.begun.at[request_id]


@asynccontextmanager
async def running(folder: Path, url: str, *, work: bool = True) -> AsyncIterator[Running]:
    """Run a server; its slot is open unless `work` is False."""
    data_dir, begun = DataDir(folder), Begun()
    database = open_database(data_dir, url)
    child = [sys.executable, str(_CHILD)]

    def command(fd: int) -> list[str]:
        return [*child, str(fd), str(folder), url]

    capacity = Capacity(0, 0)
    if url == "sqlite":
        requests = Requests(data_dir, database=database, capacity=capacity)
        requests.dispatch.observer = begun
        hands: FleetHands | Supervisor = Supervisor(command, requests)
    else:
        front = partial(
            Replica,
            url=url,
            database=database,
            discard=lambda _: None,
            lease_s=_LEASE_S,
            engine="none",
        )
        requests = Requests(data_dir, database=database, front=front, capacity=capacity)
        claims = Claims(database, Able(secrets.token_hex(4), ("none",)), lease_s=_LEASE_S)
        store = Store(database, time.time, 60)
        slot = Slot(claims, store, lambda _: None)
        slot.observer = begun
        places = [Place(slot, Supervisor(command, slot))] if work else []
        station = Station(url, claims, Rescue(database), store, places, lambda _: None)
        assert isinstance(requests.front, Replica)
        hands = FleetHands(requests.front, station)
    if work or url != "sqlite":
        await hands.start()
    try:
        yield Running(requests, hands, begun, database, url)
    finally:
        requests.release()
        if work or url != "sqlite":
            await hands.stop()
        requests.close()


async def measured(folder: Path, url: str, seconds: float) -> Figures:
    """Return every figure of one database."""
    found = Figures()
    parts = [_starts, _throughput, _fairness, _child_killed]
    async with running(folder, url) as server:
        await server.end(await server.submit())
        for part in parts if url == "sqlite" else [*parts, _worker_lost]:
            now = time.strftime("%H:%M:%S")
            kind = url.partition(":")[0]
            print(f"{now} {part.__name__.strip('_')} on {kind}", file=sys.stderr, flush=True)
            await part(server, found)
        if url != "sqlite":
            found.connections = await _connections(server)
        interrupted = await server.submit(work_s=0.5)
        await server.until_begun(interrupted)
    began = time.perf_counter()
    async with running(folder, url) as server:
        found.server_s = await server.until_begun(interrupted) - began
        await server.end(interrupted)
        await _idle(server, found)
    async with running(folder, url, work=False) as server:
        await _creates(server, found, seconds)
        if url != "sqlite":
            await _claims(server, found, seconds)
    return found


async def _starts(server: Running, found: Figures) -> None:
    took: list[float] = []
    for _ in range(_LOOKS):
        began = time.perf_counter()
        name = await server.submit()
        took.append((await server.until_begun(name) - began) * 1000)
        await server.end(name)
    found.start_ms = _parts(took)


async def _throughput(server: Running, found: Figures) -> None:
    began = time.perf_counter()
    names = await asyncio.gather(*(server.submit() for _ in range(_DONE)))
    await asyncio.gather(*map(server.end, names))
    found.done_s = _DONE / (time.perf_counter() - began)


async def _fairness(server: Running, found: Figures) -> None:
    busy = await asyncio.gather(*(server.submit("busy") for _ in range(1000)))
    alone = await server.submit("alone")
    already = sum(name in server.begun.at for name in busy)
    at = await server.until_begun(alone)
    before = sum(server.begun.at.get(name, at) < at for name in busy)
    found.behind = before - already
    await asyncio.gather(*(server.requests.cancel(name, "busy") for name in busy))
    await asyncio.gather(*(server.requests.wait(name, 60) for name in busy))


async def _child_killed(server: Running, found: Figures) -> None:
    name = await server.submit(work_s=1.0)
    first = await server.until_begun(name)
    await asyncio.sleep(0.3)
    assert server.hands.pid is not None
    killed = time.perf_counter()
    os.kill(server.hands.pid, signal.SIGKILL)
    while server.begun.at[name] == first:
        await asyncio.sleep(0.002)
    found.child_s = server.begun.at[name] - killed
    await server.end(name)


async def _worker_lost(server: Running, found: Figures) -> None:
    """A worker that claims and is never heard of again, as one that was killed is not."""
    blocker = await server.submit(work_s=1.0)
    await server.until_begun(blocker)
    name = await server.submit()
    dead = Claims(server.database, Able("dead", ("none",)), lease_s=_LEASE_S)
    claim = await dead.take()
    assert claim is not None and claim.request_id == name
    over = time.perf_counter() + _LEASE_S
    found.worker_s = await server.until_begun(name) - over
    await server.end(name)


async def _connections(server: Running) -> float:
    name = await server.submit(work_s=1.0)
    await server.until_begun(name)
    await asyncio.sleep(0.3)
    query = "select count(*) from pg_stat_activity where datname = current_database()"
    count = (await server.database.read(lambda db: db.execute(query).fetchone()))[0]
    await server.end(name)
    return count


async def _idle(server: Running, found: Figures) -> None:
    await asyncio.sleep(7)
    pid = server.hands.pid
    assert pid is not None
    before, began = (time.process_time(), _processor_s(pid)), time.monotonic()
    await asyncio.sleep(10)
    seconds = time.monotonic() - began
    own, child = time.process_time() - before[0], _processor_s(pid) - before[1]
    found.idle = own / seconds * 100, child / seconds * 100


async def _creates(server: Running, found: Figures, seconds: float) -> None:
    took: list[float] = []
    until = time.perf_counter() + seconds

    async def caller() -> None:
        while (began := time.perf_counter()) < until:
            await server.submit()
            took.append((time.perf_counter() - began) * 1000)

    before = await _size(server)
    await asyncio.gather(*(caller() for _ in range(16)))
    found.creates_s, found.create_ms = len(took) / seconds, _parts(took)
    if before is not None:
        found.row_bytes = ((await _size(server) or 0) - before) / len(took)


async def _size(server: Running) -> float | None:
    if server.url == "sqlite":
        return None
    query = "select pg_total_relation_size('requests')"
    return (await server.database.read(lambda db: db.execute(query).fetchone()))[0]


async def _claims(server: Running, found: Figures, seconds: float) -> None:
    """Eight workers with connections of their own claim what was created, and end it."""
    until, count = time.perf_counter() + seconds, 0
    databases = [open_database(DataDir(Path("/tmp")), server.url) for _ in range(8)]

    async def worker(database: Database, name: str) -> None:
        nonlocal count
        claims = Claims(database, Able(name, ("none",)), lease_s=60)
        while time.perf_counter() < until and await claims.take() is not None:
            count += 1

    await asyncio.gather(*(worker(each, f"w{n}") for n, each in enumerate(databases)))
    for each in databases:
        each.close()
    found.claims_s = count / seconds


def _processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _parts(took: list[float]) -> tuple[float, float]:
    took = sorted(took)
    return took[len(took) // 2], took[len(took) * 99 // 100]
