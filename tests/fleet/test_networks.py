"""Two workers in networks of their own: one is cut off from the database, and comes back."""

from __future__ import annotations

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
    until_stage,
    worker_of,
)
from tests.fleet.networks import networks, why_absent
from tests.postgres import PostgresServer


@pytest.mark.skipif(why_absent() is not None, reason=str(why_absent()))
def test_a_worker_that_is_cut_off_loses_its_request_and_is_of_use_when_it_is_back(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    url = postgres.fresh()
    name_of_database = url.rpartition("/")[2]
    with networks(2, postgres.port) as nets:
        workers = [
            Worker(
                net.name,
                tmp_path,
                f"postgresql://retake@{net.host}:{net.port}/{name_of_database}",
                within=net.within,
            )
            for net in nets
        ]
        try:
            for worker in workers:
                worker.until_ready()
            do(story(tmp_path, url, nets, workers))
        finally:
            for worker in workers:
                worker.end()


async def story(folder: Path, url: str, nets: list, workers: list[Worker]) -> None:
    async with replica(folder, url) as requests:
        name = await submit(requests, work_s=2.0)
        await until_stage(requests, name, "generate")
        at = [net.name for net in nets].index(await worker_of(requests, name))
        nets[at].pull()
        record = await requests.wait(name, LEASE_S + 5 + 2.0 + 1)
        makers = (record.outcome or {"report": {"makers": []}})["report"]["makers"]
        assert (record.status, makers) == (
            Status.SUCCESS,
            [workers[at].name, workers[1 - at].name],
        )
        workers[1 - at].end()
        nets[at].plug()
        # Its child was ended: what it made of the request is nobody's.
        workers[at].until_ready()
        again = await submit(requests)
        assert (await requests.wait(again, 20)).status is Status.SUCCESS
        assert await look(requests, name) == record
