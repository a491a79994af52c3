"""Several API processes on one database: each hears of everything, and misses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from retake.core.errors import BadRequest
from retake.core.request import Status
from retake.queue.data_dir import DataDir
from retake.queue.database import Database
from retake.queue.feed import Listener
from retake.queue.fleet.claims import Able, Claims
from retake.queue.opening import open_database
from retake.queue.requests import Requests
from retake.queue.unfinished import Capacity
from tests.fleet.conftest import do
from tests.fleet.machines import look, replica, submit, until
from tests.postgres import PostgresServer

Work = Callable[[Requests, Requests, Claims], Coroutine[Any, Any, None]]


@pytest.fixture
def url(postgres: PostgresServer) -> Generator[str]:
    made = postgres.fresh()
    yield made
    postgres.drop(made)


@asynccontextmanager
async def two(folder: Path, url: str) -> AsyncGenerator[tuple[Requests, Requests, Claims]]:
    """Two replicas, and a worker of which only the claims are there."""
    database: Database = open_database(DataDir(folder / "w"), url)
    claims = Claims(database, Able("w", ("none",)), lease_s=1)
    try:
        async with replica(folder, url) as here, replica(folder, url) as there:
            yield here, there, claims
    finally:
        database.close()


async def told(listener: Listener, request_id: str, *, moved: bool = False) -> None:
    async def heard() -> bool:
        changed, only_moved = await listener.heard(0.1)
        return request_id in (only_moved if moved else changed)

    await until(heard, 5)


def test_what_happens_to_a_request_of_one_is_heard_at_the_other(tmp_path: Path, url: str) -> None:
    async def story() -> None:
        async with two(tmp_path, url) as (here, there, worker):
            with there.listen("key") as listener:
                name = await submit(here)
                await told(listener, name)
                assert (await look(there, name)).queue_position == 0
                claim = await worker.take()
                assert claim is not None
                await told(listener, name)
                await worker.enter(claim, "generate")
                await told(listener, name)
                await worker.progress(claim, 30, 60)
                await told(listener, name, moved=True)
                progress = (await look(there, name)).progress or {}
                assert [progress[key] for key in ("stage", "done", "total")] == ["generate", 30, 60]
                waiting = asyncio.create_task(there.wait(name, 10))
                await asyncio.sleep(0.05)
                await worker.end(claim, Status.SUCCESS, outcome={"files": {}})
                assert (await waiting).status is Status.SUCCESS
                await told(listener, name)

    do(story())


def test_positions_are_those_of_the_whole_fleet(tmp_path: Path, url: str) -> None:
    async def story() -> None:
        async with two(tmp_path, url) as (here, there, worker):
            names = [await submit(here) for _ in range(3)]
            other = await submit(there, "other")

            async def known() -> bool:
                found = [await here.get(other, "other"), await there.get(names[2], "key")]
                return [record and record.queue_position for record in found] == [1, 3]

            await until(known, 5)
            order = [claim.request_id for _ in range(4) if (claim := await worker.take())]
            assert order == [names[0], other, names[1], names[2]]

    do(story())


def test_what_happens_while_nothing_is_heard_is_told_afterwards(
    tmp_path: Path, url: str, postgres: PostgresServer
) -> None:
    async def story() -> None:
        async with two(tmp_path, url) as (here, there, worker):
            name = await submit(here)
            claim = await worker.take()
            assert claim is not None
            waiting = asyncio.create_task(there.wait(name, 10))
            with there.listen("key", name) as listener:
                await told(listener, name)
                # Cut at once after the end is written: its telling may be lost.
                ending = worker.end(claim, Status.SUCCESS, outcome={"files": {}})
                await asyncio.gather(ending, asyncio.to_thread(postgres.cut, url))
                await told(listener, name)
                assert (await waiting).status is Status.SUCCESS

    do(story())


def test_limits_count_what_others_have_accepted(tmp_path: Path, url: str) -> None:
    async def story() -> None:
        limited = Capacity(of_key=2)
        async with replica(tmp_path, url) as here, replica(tmp_path, url, limited) as there:
            for _ in range(2):
                await submit(here)

            async def full() -> bool:
                return len(there.front.unfinished) == 2

            await until(full, 5)
            with pytest.raises(BadRequest, match="2 requests of this key"):
                await submit(there)

    do(story())


def test_a_deadline_holds_though_the_replica_that_took_it_is_gone(tmp_path: Path, url: str) -> None:
    async def story() -> None:
        async with replica(tmp_path, url) as there:
            async with replica(tmp_path, url) as here:
                name = await submit(here, cancel_in=1)
            record = await there.wait(name, 10)
            assert record.status is Status.CANCELLED

    do(story())
