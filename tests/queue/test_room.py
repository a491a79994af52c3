"""The files of a busy server have the length that they will need."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from retake.queue.database.room import FILLED_BYTES, Room
from retake.queue.database.sqlite import SqliteDatabase
from retake.queue.schema import open_reader, open_writer


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "requests.sqlite"


@pytest.fixture
def db(path: Path) -> Iterator[sqlite3.Connection]:
    opened = open_writer(path)
    opened.execute("create table lines (line text)")
    yield opened
    opened.close()


def lengths(path: Path) -> tuple[int, int]:
    return path.stat().st_size, path.with_name(f"{path.name}-wal").stat().st_size


def test_what_is_written_after_it_makes_no_file_longer(path: Path, db: sqlite3.Connection) -> None:
    Room(db).fill()
    before = lengths(path)
    assert min(before) > FILLED_BYTES
    for _ in range(3000):
        db.execute("insert into lines values (?)", ("x" * 1000,))
    assert lengths(path) == before


def test_a_busy_database_makes_room_by_itself_and_again_when_it_is_used_up(path: Path) -> None:
    database = SqliteDatabase(open_writer(path), open_reader(path))

    async def write(lines: int, length: int) -> None:
        for _ in range(lines):
            await database.write(
                lambda db: db.execute("insert into lines values (:line)", {"line": "x" * length})
            )

    async def busy() -> None:
        await database.write(lambda db: db.execute("create table lines (line text)"))
        await write(40, 10)
        assert max(lengths(path)) < FILLED_BYTES
        await write(40, 10)
        assert min(lengths(path)) > FILLED_BYTES
        once = lengths(path)
        await write(70, 100_000)
        assert lengths(path)[0] > once[0]
        await write(64, 10)
        (free,) = database.read_now(lambda db: db.execute("pragma freelist_count").fetchone())
        assert free > 500

    asyncio.run(busy())
    database.close()


def test_what_a_killed_process_left_of_it_goes(db: sqlite3.Connection) -> None:
    db.execute("create table room (filler blob)")
    db.execute("insert into room values (zeroblob(1000000))")
    Room(db).fill()
    assert db.execute("select count(*) from sqlite_schema where name = 'room'").fetchone()[0] == 0


def test_a_full_disk_is_no_reason_to_stop(db: sqlite3.Connection) -> None:
    (pages,) = db.execute("pragma page_count").fetchone()
    db.execute(f"pragma max_page_count={pages + 3}")
    Room(db).fill()
    assert not db.in_transaction
    db.execute("insert into lines values ('still')")
    assert db.execute("select line from lines").fetchall()[0][0] == "still"
