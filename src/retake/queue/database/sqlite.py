"""SQLite as a `Database`: one connection writes, on the writer's thread; one reads, at once."""

from __future__ import annotations

import errno
import logging
import os
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from retake.core.errors import BadRequest, StorageFailed
from retake.queue.database.port import ConstraintFailed, Dialect, Work
from retake.queue.database.room import Room
from retake.queue.database.writer import Writer, end_process

_log = logging.getLogger(__name__)

T = TypeVar("T")
# A value that SQLite cannot hold: a lone surrogate, an integer over 64 bits; or what the function
# itself finds wrong with what is asked.
_CALLERS_MISTAKES = (BadRequest, sqlite3.ProgrammingError, ValueError, OverflowError)


class SqliteConnection(sqlite3.Connection):
    """A connection to SQLite that says what it is."""

    dialect: Dialect = Dialect.SQLITE


class SqliteDatabase:
    """One SQLite file.

    Args:
        writing: The connection that writes; nobody else may use it from now on.
        reading: The connection that reads, on the event loop's thread.
        on_fatal: See `Writer`.
    """

    dialect: Dialect = Dialect.SQLITE

    def __init__(
        self,
        writing: SqliteConnection,
        reading: SqliteConnection,
        *,
        on_fatal: Callable[[], None] = end_process,
    ) -> None:
        self._writing = writing
        self._reading = reading
        self._room = Room(writing)
        self._writer = Writer(self._commit, writing.close, on_fatal=on_fatal)
        self.write = self._writer.write
        self.write_now = self._writer.write_now

    async def read(self, function: Work[T]) -> T:
        """Run `function` on what was committed before, at once."""
        return function(self._reading)

    def read_now(self, function: Work[T]) -> T:
        """Run `function` on what was committed before."""
        return function(self._reading)

    def close(self) -> None:
        """Write what waits and close the file."""
        # The reader first: the writer, as the last one, then folds the WAL into the file.
        self._reading.close()
        self._writer.close()

    def _commit(self, functions: Sequence[Work[Any]]) -> list[Any]:
        db = self._writing
        try:
            db.execute("begin immediate")
            results: list[Any] = [_apart(db, function) for function in functions]
            db.execute("commit")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_FULL:
                raise
            if db.in_transaction:
                db.execute("rollback")
            _log.error("the disk is full: %d writes were refused", len(functions))
            results = [_disk_full()] * len(functions)
        else:
            self._room.committed()
        return results


def _apart(db: SqliteConnection, function: Work[Any]) -> Any:
    """Return what `function` returned, or its caller's mistake, having undone it alone."""
    db.execute("savepoint one")
    try:
        result = function(db)
    except sqlite3.IntegrityError as error:
        db.execute("rollback to one")
        result = ConstraintFailed(str(error))
    except _CALLERS_MISTAKES as error:
        db.execute("rollback to one")
        result = error
    db.execute("release one")
    return result


def _disk_full() -> StorageFailed:
    return StorageFailed(
        "disk_full",
        f"the server's disk is full: {os.strerror(errno.ENOSPC)}",
        retryable=True,
    )
