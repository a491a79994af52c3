"""Upstream keys in the database that machines share."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg

from retake.queue.data_dir import DataDir
from retake.queue.database import Database
from retake.queue.opening import open_postgres
from retake.queue.record import NewRequest
from retake.queue.requests import Requests
from retake.queue.vault_table import VaultTable
from tests.postgres import PostgresServer

SECRET = b"s" * 32


def test_a_key_is_read_on_another_machine_never_in_clear_and_goes_with_its_request(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    url, now, opened = postgres.fresh(), [1000.0], []

    def open_it() -> Database:
        opened.append(open_postgres(url))
        return opened[-1]

    requests = Requests(DataDir(tmp_path), database=open_it())
    here = VaultTable(lambda: opened[0], SECRET, now=lambda: now[0])
    there, stranger = VaultTable(open_it, SECRET), VaultTable(open_it, b"x" * 32)
    for name in ("r1", "r2", "r3"):
        here.keep(name, "owner", f"sk-secret of {name}")
    assert there.key_of("r1") == "sk-secret of r1"
    assert stranger.key_of("r1") is None
    assert there.key_of("r4") is None
    with psycopg.connect(url, autocommit=True) as db:
        sealed = db.execute("select sealed from upstream_keys").fetchall()
        assert all(b"sk-secret" not in bytes(row[0]) for row in sealed)
        db.execute(
            "update upstream_keys set sealed = (select sealed from upstream_keys "
            "where request_id = 'r1') where request_id = 'r3'"
        )
    assert there.key_of("r3") is None

    async def ended() -> None:
        for name in ("r1", "r2"):
            await requests.create(NewRequest(name, "owner", "m", "hosted", {}, "url:x", 1))
        await requests.cancel("r1", "owner")

    asyncio.run(ended())
    assert there.key_of("r1") is None
    assert here.kept() == []  # they are young: their requests may be on their way
    now[0] += 4000
    assert sorted(here.kept()) == [("r2", "owner"), ("r3", "")]
    here.forget("r3")
    assert here.kept() == [("r2", "owner")]
    requests.close()
    for each in opened[1:]:
        each.close()
    postgres.drop(url)
