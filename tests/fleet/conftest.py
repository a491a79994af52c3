"""What the tests of a fleet share: both databases, and a clock that they set."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from pathlib import Path
from typing import Any

import pytest

from retake.core.request import Status
from retake.queue.data_dir import DataDir
from retake.queue.database import Connection, Database
from retake.queue.fleet.claims import Able, Claim, Claims
from retake.queue.fleet.rescue import Rescue
from retake.queue.opening import open_database
from retake.queue.record import NewRequest, Record
from retake.queue.store import Store


class Fleet:
    """A database, its requests and workers that are made by name; time passes when told."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.time = 1_000_000.0
        self.store = Store(database, lambda: self.time, 60)
        self.rescue = Rescue(database, clock=self.clock)
        self.made = 0

    def clock(self, _db: Connection) -> float:
        return self.time

    def worker(self, name: str, *engines: str, most_of_key: int = 0, protocol: int = 1) -> Claims:
        able = Able(name, engines or ("vfx",), protocol=protocol)
        return Claims(self.database, able, lease_s=10, most_of_key=most_of_key, clock=self.clock)

    def submit(self, key_id: str = "key", engine: str = "vfx", **more: Any) -> str:
        new = self._new(key_id, engine, **more)
        do(self.store.insert(new))
        return new.request_id

    def submit_many(self, key_id: str, count: int) -> list[str]:
        new = [self._new(key_id, "vfx") for _ in range(count)]

        async def insert() -> None:
            await asyncio.gather(*map(self.store.insert, new))

        do(insert())
        return [each.request_id for each in new]

    def _new(self, key_id: str, engine: str, **more: Any) -> NewRequest:
        self.made += 1
        name = f"{key_id}-{self.made}"
        return NewRequest(name, key_id, "model", engine, {}, "url:x", 1, **more)

    def get(self, request_id: str) -> Record:
        return do(self.store.existing(request_id))


def do(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


def taken(worker: Claims) -> Claim:
    claim = do(worker.take())
    assert claim is not None
    return claim


def finish(worker: Claims, claim: Claim) -> bool:
    return do(worker.end(claim, Status.SUCCESS, outcome={"files": {}}))


@pytest.fixture(params=["sqlite", "postgresql"])
def fleet(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Fleet]:
    url = "sqlite"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres").fresh()
    database = open_database(DataDir(tmp_path), url)
    yield Fleet(database)
    database.close()
