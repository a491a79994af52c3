"""The parts of `benchmarks/queueing.py`: what is measured, one after the other."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from queueing_server import LEASE_S, Running, running
from retake.queue.data_dir import DataDir
from retake.queue.database import Database
from retake.queue.fleet.claims import Able, Claims
from retake.queue.opening import open_database

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
    dead = Claims(server.database, Able("dead", ("none",)), lease_s=LEASE_S)
    claim = await dead.take()
    assert claim is not None and claim.request_id == name
    over = time.perf_counter() + LEASE_S
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
