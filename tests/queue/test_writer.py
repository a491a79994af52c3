"""The writer thread: together, in order, answered after COMMIT, and never silently gone."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from retake.core.errors import StorageFailed
from retake.queue.database.sqlite import SqliteConnection, SqliteDatabase
from retake.queue.schema import open_reader, open_writer


def connect(path: Path) -> SqliteConnection:
    db = open_writer(path)
    db.execute("create table numbers (number integer primary key check (number < 1000))")
    return db


def opened(
    path: Path, db: SqliteConnection | None = None, **more: Callable[[], None]
) -> SqliteDatabase:
    return SqliteDatabase(db or connect(path), open_reader(path), **more)


def insert(number: int):
    return lambda db: db.execute("insert into numbers values (:n)", {"n": number}).rowcount


def stored(path: Path) -> list[int]:
    reader = open_reader(path)
    rows = reader.execute("select number from numbers order by number").fetchall()
    reader.close()
    return [row["number"] for row in rows]


def test_what_was_answered_is_there_for_another_connection(tmp_path: Path) -> None:
    writer = opened(tmp_path / "db")

    async def many() -> None:
        assert await asyncio.gather(*(writer.write(insert(n)) for n in range(500))) == [1] * 500
        assert stored(tmp_path / "db") == list(range(500))

    asyncio.run(many())
    writer.close()


def test_writes_that_wait_together_share_one_commit(tmp_path: Path) -> None:
    db = connect(tmp_path / "db")
    commits: list[str] = []
    db.set_trace_callback(lambda sql: commits.append(sql) if sql.lower() == "commit" else None)
    writer = opened(tmp_path / "db", db)

    async def many() -> None:
        held = threading.Event()
        first = asyncio.ensure_future(writer.write(lambda _: held.wait()))
        rest = [asyncio.ensure_future(writer.write(insert(n))) for n in range(100)]
        await asyncio.sleep(0.05)
        held.set()
        await asyncio.gather(first, *rest)

    asyncio.run(many())
    assert len(commits) <= 2
    writer.close()


@pytest.mark.parametrize("number", [7, 1000, 2**70, "\ud800"])
def test_a_callers_mistake_is_the_callers_alone(tmp_path: Path, number: int) -> None:
    writer = opened(tmp_path / "db")

    def half(db: sqlite3.Connection) -> None:
        db.execute("insert into numbers values (99)")
        db.execute("insert into numbers values (?)", (number,))

    async def three() -> list[object]:
        writes = (writer.write(insert(7)), writer.write(half), writer.write(insert(8)))
        return await asyncio.gather(*writes, return_exceptions=True)

    first, second, third = asyncio.run(three())
    assert (first, third) == (1, 1)
    assert isinstance(second, sqlite3.Error | ValueError | OverflowError)
    assert stored(tmp_path / "db") == [7, 8]
    writer.close()


def test_a_full_disk_refuses_the_writes_and_the_writer_goes_on(tmp_path: Path) -> None:
    db = connect(tmp_path / "db")
    db.execute("create table filling (text text)")
    pages = db.execute("pragma page_count").fetchone()[0]
    writer = opened(tmp_path / "db", db)

    async def fill() -> None:
        await writer.write(lambda db: db.execute(f"pragma max_page_count={pages}").fetchall())
        with pytest.raises(StorageFailed) as caught:
            await writer.write(
                lambda db: db.execute("insert into filling values (?)", ("x" * 100_000,))
            )
        assert caught.value.code == "disk_full"
        assert caught.value.retryable
        assert await writer.write(insert(1)) == 1

    asyncio.run(fill())
    assert stored(tmp_path / "db") == [1]
    writer.close()


def test_an_unexpected_error_ends_the_process(tmp_path: Path) -> None:
    fatal = threading.Event()
    writer = opened(tmp_path / "db", on_fatal=fatal.set)

    async def broken() -> None:
        write = asyncio.ensure_future(
            writer.write(lambda db: db.execute("select * from nothing").fetchall())
        )
        await asyncio.wait([write], timeout=0.5)
        write.cancel()

    asyncio.run(broken())
    assert fatal.wait(5)


def test_closing_writes_what_waits_and_refuses_what_comes(tmp_path: Path) -> None:
    writer = opened(tmp_path / "db")

    async def closing() -> None:
        write = asyncio.ensure_future(writer.write(insert(1)))
        await asyncio.sleep(0)
        await asyncio.to_thread(writer.close)
        assert await write == 1
        with pytest.raises(StorageFailed) as caught:
            await writer.write(insert(2))
        assert caught.value.code == "stopping"

    asyncio.run(closing())
    assert stored(tmp_path / "db") == [1]


def test_a_caller_that_goes_away_does_not_disturb_the_others(tmp_path: Path) -> None:
    writer = opened(tmp_path / "db")

    async def impatient() -> None:
        held = threading.Event()
        first = asyncio.ensure_future(writer.write(lambda _: held.wait()))
        gone = asyncio.ensure_future(writer.write(insert(1)))
        other = asyncio.ensure_future(writer.write(insert(2)))
        await asyncio.sleep(0.02)
        gone.cancel()
        await asyncio.sleep(0)
        held.set()
        await first
        assert await other == 1

    asyncio.run(impatient())
    assert stored(tmp_path / "db") == [1, 2]
    writer.close()


def test_a_reader_can_neither_write_nor_checkpoint(tmp_path: Path) -> None:
    connect(tmp_path / "db").close()
    reader = open_reader(tmp_path / "db")
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("insert into numbers values (1)")
    assert reader.execute("pragma wal_autocheckpoint").fetchone()[0] == 0
    reader.close()


def test_a_later_versions_file_is_refused_and_a_damaged_one_told(tmp_path: Path) -> None:
    db = open_writer(tmp_path / "later")
    db.execute("pragma user_version=99")
    db.close()
    (tmp_path / "damaged").write_bytes(b"no database" * 100)
    for name, code in (("later", "data_dir_too_new"), ("damaged", "data_dir_damaged")):
        with pytest.raises(StorageFailed) as caught:
            open_writer(tmp_path / name)
        assert caught.value.code == code
