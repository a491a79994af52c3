"""Copying what a data folder's SQLite files hold into an empty PostgreSQL database.

All of it is one transaction: the database is empty afterwards, or has everything.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from retake.core.errors import StorageFailed
from retake.queue.database.postgres.connection import Row
from retake.queue.database.postgres.link import connect, conninfo_of

REQUESTS_FILE = ("requests", "idempotency", "webhooks", "webhook_secrets", "deliveries", "turns")
KEYS_FILE = ("keys",)

# What the copied requests have told was told, or waits in the copied deliveries.
_SILENT = "alter table requests disable trigger requests_tell_first"
_LOUD = "alter table requests enable trigger requests_tell_first"
_NEXT = "select setval(pg_get_serial_sequence(%s, 'seq'), (select coalesce(max(seq), 1) from {}))"
_IS_NUMBERED = frozenset({"requests", "deliveries"})


def take_over(requests: Path, keys: Path, url: str) -> dict[str, int]:
    """Copy the rows of both files; return how many each table got.

    Args:
        requests: The requests' file, of this program's version; no server uses it.
        keys: The keys' file.
        url: The database, of this program's version.

    Raises:
        StorageFailed: The database holds something already (``database_not_empty``), cannot be
            reached, or refused something (``database_refused``). It is as it was.
    """
    try:
        with connect(conninfo_of(url)) as db, db.transaction():
            _check_empty(db)
            db.execute(_SILENT)
            counts = _copy_file(db, requests, REQUESTS_FILE) | _copy_file(db, keys, KEYS_FILE)
            db.execute(_LOUD)
            for table in _IS_NUMBERED:
                db.execute(sql.SQL(_NEXT).format(sql.Identifier(table)), (table,))
            return counts
    except psycopg.Error as error:
        told = " ".join(str(error).split())[:300]
        raise StorageFailed(
            "database_refused", f"nothing was copied: {told}", param="database"
        ) from error


def _check_empty(db: psycopg.Connection[Row]) -> None:
    for table in (*REQUESTS_FILE, *KEYS_FILE):
        query = sql.SQL("select 1 from {} limit 1").format(sql.Identifier(table))
        if db.execute(query).fetchone() is not None:
            raise StorageFailed(
                "database_not_empty",
                f"the database has rows in {table} already; accepted is one that no server has "
                "used yet",
                param="database",
            )


def _copy_file(db: psycopg.Connection[Row], path: Path, tables: tuple[str, ...]) -> dict[str, int]:
    if not path.exists():
        return {}
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as file:
        return {table: _copy_table(db, file, table) for table in tables}


def _copy_table(db: psycopg.Connection[Row], file: sqlite3.Connection, table: str) -> int:
    names = [row[1] for row in file.execute(f"pragma table_info({table})")]
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    statement = sql.SQL("copy {} ({}) from stdin").format(sql.Identifier(table), columns)
    count = 0
    with db.cursor() as cursor, cursor.copy(statement) as copy:
        for row in _rows(file, table, names):
            copy.write_row(row)
            count += 1
    return count


def _rows(file: sqlite3.Connection, table: str, names: list[str]) -> Iterator[list[Any]]:
    query = f"select {', '.join(names)} from {table}"  # noqa: S608 - names of our own tables
    for row in file.execute(query):
        # No text of PostgreSQL's holds NUL.
        yield [each.replace("\0", "\ufffd") if isinstance(each, str) else each for each in row]
