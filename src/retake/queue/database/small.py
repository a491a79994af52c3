"""A small SQLite file as a `Database`, which several processes may write: keys, say.

It keeps the rollback journal: a WAL file can be damaged by two connections that write and
checkpoint at once (SQLite before 3.51.3).
"""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path
from typing import TypeVar

from retake.queue.database.port import ConstraintFailed, Dialect, Work
from retake.queue.database.sqlite import SqliteConnection

T = TypeVar("T")

_BUSY_S = 10.0


class SmallDatabase:
    """One connection, for whichever thread has its turn; everything is done at once.

    Args:
        path: The file; made, readable by its owner only, when it is not there.
        tables: What makes its tables where they are not there.
    """

    dialect: Dialect = Dialect.SQLITE

    def __init__(self, path: Path, tables: str) -> None:
        self._lock = threading.Lock()
        # SQLite would create the file with the umask's permissions.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._db = sqlite3.connect(
            path,
            timeout=_BUSY_S,
            isolation_level=None,
            check_same_thread=False,
            factory=SqliteConnection,
        )
        self._db.row_factory = sqlite3.Row
        self._db.execute("pragma journal_mode=delete")
        self._db.execute("pragma synchronous=full")
        self._db.execute(tables)

    async def write(self, function: Work[T]) -> T:
        """Run `function` in a transaction; see `Database.write`."""
        return self.write_now(function)

    async def read(self, function: Work[T]) -> T:
        """Run `function`; see `Database.read`."""
        return self.read_now(function)

    def write_now(self, function: Work[T]) -> T:
        """Run `function` in a transaction; see `Database.write_now`."""
        with self._lock:
            self._db.execute("begin immediate")
            try:
                result = function(self._db)
                self._db.execute("commit")
            except sqlite3.IntegrityError as error:
                raise ConstraintFailed(str(error)) from error
            finally:
                if self._db.in_transaction:
                    self._db.execute("rollback")
        return result

    def read_now(self, function: Work[T]) -> T:
        """Run `function`; see `Database.read_now`."""
        with self._lock:
            return function(self._db)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()
