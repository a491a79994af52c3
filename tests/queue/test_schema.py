"""A file that an earlier version wrote is brought up to date, and nothing in it is lost."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from retake.core.errors import StorageFailed
from retake.core.request import Status
from retake.queue.data_dir import DataDir
from retake.queue.database import Dialect
from retake.queue.listing import Wanted
from retake.queue.requests import Requests
from retake.queue.schema import open_writer
from retake.queue.tables import STEPS, VERSION

OLD_ROW = """
insert into requests (request_id, key_id, model, engine, status, payload, source_ref, seed,
                      warnings, created_at, queued_at, updated_at, started_at, stage)
values (?, 'key', ?, 'vfx', ?, '{}', 'url:x', 1, '[]', 5, 5, 6, 6, 'render')
"""


def test_the_first_versions_file_keeps_its_requests(tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path)
    db = sqlite3.connect(data_dir.requests, isolation_level=None)
    db.executescript(f"{STEPS[0][Dialect.SQLITE]} pragma user_version=1;")
    for n, status in enumerate(("success", "processing", "queued", "queued")):
        db.execute(OLD_ROW, (f"r{n}", f"model-{n % 2}", status))
    db.close()
    requests = Requests(data_dir)
    try:
        records, total = asyncio.run(requests.list("key"))
        assert ([record.request_id for record in records], total) == (["r3", "r2", "r1", "r0"], 4)
        assert asyncio.run(requests.list("key", Wanted("model-0", Status.QUEUED)))[1] == 1
        assert (records[2].stage, records[2].stages) == ("render", ())
        assert requests.dispatch.admitted() == ["r1"]
    finally:
        requests.close()


def test_every_step_leads_to_the_last_version(tmp_path: Path) -> None:
    for version in range(VERSION + 1):
        path = tmp_path / f"{version}.sqlite"
        db = sqlite3.connect(path, isolation_level=None)
        for step in STEPS[:version]:
            db.executescript(step[Dialect.SQLITE])
        db.execute(f"pragma user_version={version}")
        db.close()
        for _ in range(2):
            db = open_writer(path)
            assert db.execute("pragma user_version").fetchone()[0] == VERSION == len(STEPS)
            db.close()


def test_a_later_versions_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "later.sqlite"
    db = sqlite3.connect(path)
    db.execute(f"pragma user_version={VERSION + 1}")
    db.close()
    with pytest.raises(StorageFailed) as caught:
        open_writer(path)
    assert caught.value.code == "data_dir_too_new"
