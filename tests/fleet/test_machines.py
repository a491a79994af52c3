"""Workers that are killed, stopped, drained and cut off, as processes of their own."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Generator
from pathlib import Path

import pytest

from retake.core.request import Status
from tests.fleet.conftest import do
from tests.fleet.machines import (
    LEASE_S,
    Worker,
    look,
    replica,
    submit,
    until,
    until_stage,
    worker_of,
)
from tests.postgres import PostgresServer

FIVE_S = 5.0
"""How long after its lease a lost worker's request may wait for another worker."""


@pytest.fixture(scope="module")
def url(postgres: PostgresServer) -> str:
    return postgres.fresh()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fleet")


class Pair:
    """Two workers; whoever is gone is made anew for the next test."""

    def __init__(self, folder: Path, url: str) -> None:
        self._where = (folder, url)
        self._made = 0
        self.workers: list[Worker] = []

    def both(self) -> list[Worker]:
        for gone in [each for each in self.workers if each.process.poll() is not None]:
            gone.end()
            self.workers.remove(gone)
        new = [self._new() for _ in range(2 - len(self.workers))]
        self.workers += [each.until_ready() for each in new]
        return self.workers

    def by_name(self, name: str) -> tuple[Worker, Worker]:
        """Return the worker of that name, and the other."""
        one, other = self.both()
        return (one, other) if one.name == name else (other, one)

    def _new(self) -> Worker:
        self._made += 1
        return Worker(f"w{self._made}", *self._where)


@pytest.fixture(scope="module")
def pair(folder: Path, url: str) -> Generator[Pair]:
    made = Pair(folder, url)
    yield made
    for worker in made.workers:
        worker.end()


def test_a_killed_workers_request_goes_on_elsewhere_behind_its_last_step(
    pair: Pair, folder: Path, url: str
) -> None:
    pair.both()

    async def story() -> None:
        async with replica(folder, url) as requests:
            name = await submit(requests, work_s=1.5)
            await until_stage(requests, name, "generate")
            victim = await worker_of(requests, name)
            dead, other = pair.by_name(victim)
            dead.signal(signal.SIGKILL)
            record = await requests.wait(name, LEASE_S + FIVE_S + 1.5)
            assert record.status is Status.SUCCESS
            assert (record.outcome or {})["report"]["makers"] == [dead.name, other.name]

    do(story())


def test_a_worker_that_was_stopped_and_goes_on_is_fenced(
    pair: Pair, folder: Path, url: str
) -> None:
    pair.both()

    async def story() -> None:
        async with replica(folder, url) as requests:
            name = await submit(requests, work_s=1.0)
            await until_stage(requests, name, "generate")
            stale, other = pair.by_name(await worker_of(requests, name))
            stale.signal(signal.SIGSTOP)
            try:
                record = await requests.wait(name, LEASE_S + FIVE_S + 1.5)
            finally:
                stale.signal(signal.SIGCONT)
            assert (record.status, (record.outcome or {})["report"]["makers"][1]) == (
                Status.SUCCESS,
                other.name,
            )
            # It notices, ends its child, and is of use again.
            stale.until_ready()
            names = [await submit(requests, work_s=0.3) for _ in range(4)]
            ends = [await requests.wait(each, 20) for each in names]
            assert {str(end.status) for end in ends} == {"success"}
            assert await look(requests, name) == record

    do(story())


def test_a_cancel_reaches_another_machine_at_once(pair: Pair, folder: Path, url: str) -> None:
    pair.both()

    async def story() -> None:
        async with replica(folder, url) as here, replica(folder, url) as there:
            name = await submit(here, work_s=30)
            await until_stage(there, name, "generate")
            began = asyncio.get_running_loop().time()
            waiting = asyncio.create_task(here.wait(name, 10))
            await there.cancel(name, "key")
            record = await waiting
            assert record.status is Status.CANCELLED
            assert asyncio.get_running_loop().time() - began < 2

    do(story())


def test_a_request_that_kills_engines_fails_and_the_workers_go_on(
    pair: Pair, folder: Path, url: str
) -> None:
    pair.both()

    async def story() -> None:
        async with replica(folder, url) as requests:
            poison = await submit(requests, fault="dies")
            record = await requests.wait(poison, 30)
            assert (record.error or {})["code"] == "crashed_engine"
            assert (await requests.wait(await submit(requests), 20)).status is Status.SUCCESS

    do(story())


def test_connections_that_are_cut_lose_nothing(
    pair: Pair, folder: Path, url: str, postgres: PostgresServer
) -> None:
    pair.both()

    async def story() -> None:
        async with replica(folder, url) as requests:
            names = [await submit(requests, work_s=0.2) for _ in range(4)]
            held = [asyncio.create_task(requests.wait(name, 20)) for name in names]
            for _ in range(3):
                await asyncio.sleep(0.3)
                assert await asyncio.to_thread(postgres.cut, url) > 0
            ends = await asyncio.gather(*held)
            assert {str(end.status) for end in ends} == {"success"}

    do(story())


def test_who_is_told_to_stop_finishes_what_it_has_and_claims_no_more(
    pair: Pair, folder: Path, url: str
) -> None:
    pair.both()

    async def story() -> None:
        async with replica(folder, url) as requests:
            name = await submit(requests, work_s=1.0)
            await until_stage(requests, name, "generate")
            leaving, other = pair.by_name(await worker_of(requests, name))
            leaving.process.send_signal(signal.SIGTERM)
            after = await submit(requests)
            ends = [await requests.wait(each, 20) for each in (name, after)]
            makers = [(end.outcome or {})["report"]["makers"] for end in ends]
            assert makers == [[leaving.name] * 2, [other.name] * 2]
            assert await asyncio.to_thread(leaving.process.wait, 10) == 0

    do(story())


def test_the_second_signal_hands_back_at_once(pair: Pair, folder: Path, url: str) -> None:
    pair.both()

    async def story() -> None:
        async with replica(folder, url) as requests:
            name = await submit(requests, work_s=1.5)
            await until_stage(requests, name, "generate")
            leaving, other = pair.by_name(await worker_of(requests, name))
            for _ in range(2):
                leaving.process.send_signal(signal.SIGTERM)
                await asyncio.sleep(0.1)
            assert await asyncio.to_thread(leaving.process.wait, 10) == 0

            async def taken() -> bool:
                return await worker_of(requests, name) == other.name

            assert await until(taken, 3) < LEASE_S
            record = await requests.wait(name, 20)
            assert (record.outcome or {})["report"]["makers"] == [leaving.name, other.name]

    do(story())
