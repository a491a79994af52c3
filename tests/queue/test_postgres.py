"""PostgreSQL behind the port: exactly once over lost connections, away for a while, in step."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from retake.cli.main import app
from retake.core.errors import BadRequest, StorageFailed
from retake.queue.data_dir import DataDir
from retake.queue.database import Connection, ConstraintFailed, Dialect
from retake.queue.database.postgres.connection import translated
from retake.queue.database.postgres.database import PostgresDatabase
from retake.queue.database.postgres.link import Patience, conninfo_of
from retake.queue.database.postgres.upgrade import Versions, upgrade, versions
from retake.queue.once import Once
from retake.queue.opening import open_postgres
from retake.queue.record import NewRequest
from retake.queue.requests import Requests
from retake.queue.tables import STEPS
from retake.queue.unfinished import Capacity
from tests.postgres import PostgresServer
from tests.queue.wire import Wire

TABLE = "create table numbers (number bigint primary key, times bigint not null default 1)"


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    url = postgres.empty()
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(TABLE)
    yield url
    postgres.drop(url)


@contextmanager
def opened(url: str, **more: float) -> Generator[PostgresDatabase]:
    database = PostgresDatabase(url, patience=Patience(**more))
    try:
        yield database
    finally:
        database.close()


def insert(number: int):
    def work(db: Connection) -> int:
        return db.execute("insert into numbers values (:n)", {"n": number}).rowcount

    return work


def numbers(url: str) -> list[int]:
    with psycopg.connect(url) as db:
        return [row[0] for row in db.execute("select number from numbers order by number")]


def test_what_was_answered_is_there_and_a_mistake_is_its_callers_alone(url: str) -> None:
    async def several(database: PostgresDatabase) -> list[object]:
        writes = [database.write(insert(n)) for n in (1, 2, 2, 3)]
        return await asyncio.gather(*writes, return_exceptions=True)

    with opened(url) as database:
        results = asyncio.run(several(database))
        assert [type(each) for each in results] == [int, int, ConstraintFailed, int]
        assert numbers(url) == [1, 2, 3]


@pytest.mark.parametrize("how", ["before", "after"])
@pytest.mark.parametrize("count", [1, 5])
def test_a_connection_that_is_lost_at_the_commit_writes_exactly_once(
    url: str, postgres: PostgresServer, how: str, count: int
) -> None:
    wire = Wire(postgres.port)
    cuts: list[bytes] = []

    def cut(sent: bytes) -> str | None:
        if b"commit\0" not in sent:
            return None
        cuts.append(sent)
        return how

    async def write(database: PostgresDatabase) -> list[int]:
        wire.cut_at = cut
        return await asyncio.gather(*(database.write(insert(n)) for n in range(count)))

    with opened(postgres.url(url.rpartition("/")[2], wire.port)) as database:
        assert asyncio.run(write(database)) == [1] * count
    assert len(cuts) == 1
    assert numbers(url) == list(range(count))
    wire.close()


def test_connections_that_are_ended_are_made_again_unseen(
    url: str, postgres: PostgresServer
) -> None:
    async def scenario(database: PostgresDatabase) -> None:
        for n in range(3):
            await database.write(insert(n))
            assert len(await database.read(lambda db: db.execute("table numbers").fetchall())) > n
            assert postgres.cut(url) >= 2

    with opened(url) as database:
        asyncio.run(scenario(database))
    assert numbers(url) == [0, 1, 2]


def test_a_server_that_is_away_is_told_soon_and_is_used_again_when_it_is_back(
    url: str, postgres: PostgresServer
) -> None:
    async def refused(database: PostgresDatabase) -> float:
        began = time.monotonic()
        for work in (database.write(insert(9)), database.read(lambda db: db.execute("select 1"))):
            with pytest.raises(StorageFailed) as caught:
                await work
            assert (caught.value.code, caught.value.retryable) == ("database_unavailable", True)
        return time.monotonic() - began

    async def back(database: PostgresDatabase) -> None:
        while True:
            with suppress(StorageFailed):
                await database.write(insert(1))
                return
            await asyncio.sleep(0.1)

    with opened(url, total_s=0.5) as database:
        asyncio.run(database.write(insert(0)))
        postgres.stop()
        try:
            assert asyncio.run(refused(database)) < 3
            # Known to be away: nobody waits any more.
            assert asyncio.run(refused(database)) < 0.3
        finally:
            postgres.start_again()
        asyncio.run(back(database))
    assert numbers(url) == [0, 1]


def test_a_server_that_has_become_a_standby_is_away(url: str, postgres: PostgresServer) -> None:
    def read_only(how: str) -> None:
        with psycopg.connect(postgres.url("postgres"), autocommit=True) as db:
            db.execute(f"alter system set default_transaction_read_only = {how}".encode())
            db.execute("select pg_reload_conf()")
        time.sleep(0.2)

    async def write(database: PostgresDatabase) -> None:
        await asyncio.gather(*(database.write(insert(n)) for n in range(2)))

    with opened(url, total_s=0.3) as database:
        database.write_now(insert(5))
        read_only("on")
        try:
            with pytest.raises(StorageFailed) as caught:
                asyncio.run(write(database))
            assert caught.value.code == "database_unavailable"
        finally:
            read_only("off")
        time.sleep(0.6)
        asyncio.run(write(database))
    assert numbers(url) == [0, 1, 5]


def test_two_that_are_in_each_others_way_both_get_through(url: str) -> None:
    met = threading.Barrier(2, timeout=10)

    def both(first: int, second: int):
        def work(db: Connection) -> None:
            db.execute("update numbers set times = times + 1 where number = :n", {"n": first})
            if not met.broken and not tries[first]:
                tries[first] = True
                met.wait()
            db.execute("update numbers set times = times + 1 where number = :n", {"n": second})

        return work

    tries = {1: False, 2: False}
    with opened(url) as one, opened(url) as other:
        one.write_now(insert(1))
        one.write_now(insert(2))
        works = ((one, both(1, 2)), (other, both(2, 1)))
        threads = [threading.Thread(target=db.write_now, args=(work,)) for db, work in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        rows = one.read_now(lambda db: db.execute("select times from numbers").fetchall())
    assert [row["times"] for row in rows] == [3, 3]


def new(name: str, key_id: str = "key") -> NewRequest:
    return NewRequest(name, key_id, "retake", "vfx", {}, "url:x", 1)


def test_processes_agree_on_a_submit_that_comes_to_several_at_once(
    tmp_path: Path, postgres: PostgresServer
) -> None:
    url, limit = postgres.fresh(), Capacity(of_key=7)
    processes = [
        Requests(DataDir(tmp_path / str(n)), database=open_postgres(url), capacity=limit)
        for n in range(3)
    ]

    async def submit() -> None:
        for turn in range(5):
            once = Once(f"k{turn}", b"same")
            made = await asyncio.gather(
                *(each.create(new(f"{turn}-{n}"), once) for n, each in enumerate(processes))
            )
            assert len({record.request_id for record in made}) == 1
        with pytest.raises(BadRequest) as caught:
            await processes[0].create(new("other"), Once("k1", b"another"))
        assert caught.value.code == "idempotency_key_reused"
        many = [each.create(new(f"{i}+{n}")) for i, each in enumerate(processes) for n in range(4)]
        results = await asyncio.gather(*many, return_exceptions=True)
        assert sum(not isinstance(each, Exception) for each in results) == 2
        assert {each.code for each in results if isinstance(each, BadRequest)} == {
            "too_many_unfinished"
        }
        assert (await processes[1].list("key"))[1] == 7

    asyncio.run(submit())
    for each in processes:
        each.close()
    postgres.drop(url)


def test_an_empty_database_gets_its_tables_and_two_upgrades_at_once_are_one(
    postgres: PostgresServer,
) -> None:
    url = postgres.empty()
    assert versions(url, STEPS).found == 0
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(upgrade(url, STEPS).found)) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(found) == [0, len(STEPS), len(STEPS)]
    open_postgres(url).close()
    postgres.drop(url)


def test_another_versions_database_is_refused_and_the_command_is_named(
    postgres: PostgresServer,
) -> None:
    url = postgres.fresh()
    for version, code in ((len(STEPS) + 1, "database_too_new"), (4, "database_too_old")):
        with psycopg.connect(url, autocommit=True) as db:
            db.execute(f"update retake_version set version = {version}".encode())
        with pytest.raises(StorageFailed) as caught:
            open_postgres(url)
        assert caught.value.code == code
        assert ("retake db upgrade" in caught.value.message) == (code == "database_too_old")
    with pytest.raises(StorageFailed):
        # Its steps begin again where the tables are: nothing of it stays.
        upgrade(url, STEPS)
    assert versions(url, STEPS).found == 4
    postgres.drop(url)


def test_the_commands_tell_the_version_and_no_password(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    url = postgres.empty().replace("retake@", "retake:geheim@")

    def retake(*words: str) -> tuple[int, str]:
        where = ["--database", url, "--data-dir", str(tmp_path)]
        done = CliRunner().invoke(app, [*words, *where])
        assert "geheim" not in done.output
        return done.exit_code, done.output

    def doctor() -> str:
        done = CliRunner().invoke(app, ["doctor"], env={"RETAKE_DATABASE": url})
        assert "geheim" not in done.output
        return done.output

    assert "version 0 of" in retake("db", "status")[1]
    assert f"went from version 0 to {len(STEPS)}" in retake("db", "upgrade")[1]
    assert "already" in retake("db", "upgrade")[1]
    assert f"version {len(STEPS)} of {len(STEPS)}" in " ".join(doctor().split())
    assert retake("keys", "create", "--name", "mine")[1].startswith("rt_")
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("update retake_version set version = version - 1")
    code, told = retake("db", "status")
    assert (code, "retake db upgrade" in told) == (1, True)
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("update retake_version set version = 999")
    code, told = retake("db", "upgrade")
    assert code
    assert "version 999" in told
    postgres.drop(url)


@given(st.text(alphabet="':;%abc _(", max_size=30), st.text(alphabet="':%x", max_size=8))
def test_every_statement_says_the_same_to_both_databases(
    postgres: PostgresServer, text: str, more: str
) -> None:
    literals = " || ".join(f"'{each.replace(chr(39), chr(39) * 2)}'" for each in (text, more))
    sql = f"select {literals} || cast(:a as text) || ':a'::text as told, :a::text as a"
    with psycopg.connect(conninfo_of(postgres.url("postgres"))) as db:
        row = db.execute(translated(sql).encode(), {"a": "%(a)s"}).fetchone()
    assert row == (f"{text}{more}%(a)s:a", "%(a)s")


def test_a_name_with_a_nul_in_it_is_simply_not_found(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    url = postgres.fresh()
    requests = Requests(DataDir(tmp_path), database=open_postgres(url))
    assert asyncio.run(requests.get("r\0", "key")) is None
    requests.close()
    postgres.drop(url)


def test_a_table_that_somebody_holds_stops_an_upgrade_and_nobody_else(
    postgres: PostgresServer,
) -> None:
    url = postgres.fresh()
    steps = (*STEPS, {Dialect.POSTGRESQL: "alter table requests add column more text"})
    with psycopg.connect(url) as holder:
        holder.execute("select count(*) from requests")
        with pytest.raises(StorageFailed) as caught:
            upgrade(url, steps, wait_s=0.2)
    assert caught.value.code == "database_refused"
    assert upgrade(url, steps) == Versions(len(STEPS), len(STEPS) + 1)
    postgres.drop(url)
