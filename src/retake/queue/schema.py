"""The requests' SQLite file: how it may be opened, and brought up to date.

SQLite before 3.51.3 can damage a WAL file when two connections write and checkpoint at once, so
exactly one connection does both; all others can do neither.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from retake.core.errors import StorageFailed
from retake.queue.database import Dialect
from retake.queue.database.sqlite import SqliteConnection
from retake.queue.tables import STEPS, VERSION


def open_writer(path: Path) -> SqliteConnection:
    """Open the one connection that writes; makes the file when it is not there.

    Raises:
        StorageFailed: The file was written by a later version (``data_dir_too_new``), or is not
            SQLite's (``data_dir_damaged``).
    """
    # SQLite would create the file with the umask's permissions.
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    db = _connect(path)
    try:
        db.execute("pragma journal_mode=wal")
        # With NORMAL a power cut would take back requests that were already acknowledged.
        db.execute("pragma synchronous=full")
        _migrate(db)
    except sqlite3.DatabaseError as error:
        db.close()
        raise _damaged(path, error) from error
    except StorageFailed:
        db.close()
        raise
    return db


def open_reader(path: Path) -> SqliteConnection:
    """Open a connection that can neither write nor checkpoint."""
    db = _connect(path)
    db.execute("pragma query_only=on")
    db.execute("pragma wal_autocheckpoint=0")
    return db


def version_of(path: Path) -> int:
    """Return which version a file has; 0 is one that is not there. Nothing is written.

    Raises:
        StorageFailed: It is not SQLite's (``data_dir_damaged``).
    """
    if not path.exists():
        return 0
    # A reader of the usual kind would leave an empty WAL behind where there is none.
    way = "mode=ro" if path.with_name(f"{path.name}-wal").exists() else "immutable=1"
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?{way}", uri=True)) as db:
            return db.execute("pragma user_version").fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise _damaged(path, error) from error


def _damaged(path: Path, error: sqlite3.DatabaseError) -> StorageFailed:
    return StorageFailed(
        "data_dir_damaged",
        f"{path.name} in the data folder cannot be read: {error}",
        param="data_dir",
    )


def _connect(path: Path) -> SqliteConnection:
    db = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, factory=SqliteConnection
    )
    db.row_factory = sqlite3.Row
    return db


def _migrate(db: sqlite3.Connection) -> None:
    found = db.execute("pragma user_version").fetchone()[0]
    if found > VERSION:
        raise StorageFailed(
            "data_dir_too_new",
            f"the data folder has version {found}; this program knows version {VERSION}",
            param="data_dir",
        )
    for version, step in enumerate(STEPS[found:], start=found + 1):
        text = step[Dialect.SQLITE]
        db.executescript(f"begin immediate; {text} pragma user_version={version}; commit;")
