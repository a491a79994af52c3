"""Connections cut at random under load: what was acknowledged is there, once."""

from __future__ import annotations

import asyncio
import os
import random
import time
from pathlib import Path

import psycopg

from retake.queue.record import NewRequest
from retake.queue.requests import Requests
from tests.databases import Place
from tests.postgres import PostgresServer
from tests.queue.wire import Wire

SECONDS = float(os.environ.get("RETAKE_TEST_CUT_S", "2"))


def cut(wire: Wire, chance: random.Random) -> None:
    how, at_commit = chance.choice(("before", "after")), chance.random() < 0.5
    wire.cut_at = lambda sent: how if not at_commit or b"commit\0" in sent else None


def test_two_processes_whose_connections_are_cut_lose_nothing_and_do_nothing_twice(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    url, chance = postgres.fresh(), random.Random()
    name = url.rpartition("/")[2]
    wires = [Wire(postgres.port) for _ in range(2)]
    processes = [
        Place(tmp_path / str(n), postgres.url(name, wire.port)).requests()
        for n, wire in enumerate(wires)
    ]
    acknowledged: list[str] = []

    async def client(requests: Requests, number: int) -> None:
        n, until = 0, time.monotonic() + SECONDS
        while time.monotonic() < until:
            n += 1
            new = NewRequest(f"{number}-{n}", f"k{number % 3}", "m", "vfx", {}, "url:x", 1)
            acknowledged.append((await requests.create(new)).request_id)

    async def scenario() -> None:
        clients = [asyncio.create_task(client(processes[n % 2], n)) for n in range(8)]
        while not all(task.done() for task in clients):
            await asyncio.sleep(chance.uniform(0, 0.15))
            if chance.random() < 0.9:
                cut(chance.choice(wires), chance)
            else:
                await asyncio.to_thread(postgres.cut, url)
        await asyncio.gather(*clients)

    asyncio.run(scenario())
    for each in processes:
        each.close()
    for wire in wires:
        wire.close()
    with psycopg.connect(url) as db:
        stored = [row[0] for row in db.execute("select request_id from requests")]
        counted = db.execute("select sum(n) from counts").fetchone()
    assert sorted(acknowledged) == sorted(stored)
    assert counted == (len(stored),)
    postgres.drop(url)
