"""A server moves from its data folder's SQLite to PostgreSQL, and takes everything along."""

from __future__ import annotations

import asyncio
from pathlib import Path

from typer.testing import CliRunner

from retake.cli.main import app
from retake.core.request import Status
from retake.queue.database import Database
from retake.queue.keys import Keys
from retake.queue.once import Once
from retake.queue.opening import open_postgres
from retake.queue.record import NewRequest, Record
from retake.queue.requests import Requests
from retake.queue.webhooks import Target
from tests.databases import Place
from tests.postgres import PostgresServer

TARGET = Target("http://a/", "key a:80", "http://base", ("success", "queued"))


async def fill(requests: Requests) -> None:
    await requests.webhooks.endpoints.create("key", TARGET, "mine \0 é", 9)
    for n in range(6):
        new = NewRequest(
            f"r{n}", "key", "m", "vfx", {"prompt": "\ud800 ☃ \0"}, "url:x", n, webhook=TARGET
        )
        await requests.create(new, Once(f"k{n}", b"digest"))
    for n in range(3):
        assert requests.dispatch.admit() == f"r{n}"
        await requests.dispatch.begun(f"r{n}")
    await requests.dispatch.progressed("r1", "render", 1, 2)
    await requests.dispatch.ended("r0", {"status": "success", "outcome": {"files": {}}})
    await requests.cancel("r5", "key")


async def everything(requests: Requests) -> tuple[object, ...]:
    records, total = await requests.list("key")
    deliveries = [
        each
        for record in records
        for each in await requests.webhooks.outbox.of_request(record.request_id, "key", 99, 2**62)
    ]
    (webhook,) = await requests.webhooks.endpoints.list("key")
    return records, total, deliveries, webhook.webhook_id, webhook.events


def copied(place: Place, url: str) -> tuple[int, str]:
    where = ["--database", url, "--data-dir", str(place.data_dir.path)]
    done = CliRunner().invoke(app, ["db", "copy", *where])
    return done.exit_code, done.output


def test_everything_comes_along_and_goes_on(tmp_path: Path, postgres: PostgresServer) -> None:
    place, url = Place(tmp_path), postgres.empty()
    keys = Keys(place.data_dir.keys)
    key = keys.create("mine")
    keys.close()
    requests = place.requests(slots=3)
    asyncio.run(fill(requests))
    requests.close()
    # As another start on the folder finds it.
    requests = place.requests(slots=3)
    before = asyncio.run(everything(requests))
    requests.close()
    code, told = copied(place, url)
    assert code == 0, told
    assert "6  requests" in told
    code, told = copied(place, url)
    assert (code == 0, "already" in told) == (False, True)

    database: Database = open_postgres(url)
    assert Keys(database).knows(key)
    requests = Requests(place.data_dir, database=database)
    assert asyncio.run(everything(requests)) == before

    async def go_on() -> None:
        assert (await requests.list("key", limit=1))[1] == 6
        assert await requests.find("key", Once("k3", b"digest")) is not None
        record: Record = await requests.create(NewRequest("r9", "key", "m", "vfx", {}, "u", 1))
        assert record.place > 6
        await requests.cancel("r3", "key")
        assert (await requests.wait("r3", 0)).status is Status.CANCELLED

    asyncio.run(go_on())
    requests.close()
    postgres.drop(url)


def test_a_folder_that_a_server_uses_is_not_copied(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    place, url = Place(tmp_path), postgres.empty()
    with place.data_dir:
        code, told = copied(place, url)
    assert code
    assert "another server uses" in told
    postgres.drop(url)
