"""Writing a batch of functions in one transaction, exactly once, whenever the connection is lost.

Where it is lost after COMMIT was sent and before that was answered, nobody here knows whether the
batch is on the disk; PostgreSQL does, by the transaction's number.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import errors

from retake.core.errors import RetakeError, StorageFailed
from retake.queue.database.port import ConstraintFailed, Work
from retake.queue.database.postgres.connection import PostgresConnection, Row
from retake.queue.database.postgres.link import Link

_BEGIN = "begin; select pg_current_xact_id()::text"
_STATUS = "select pg_xact_status(%s::xid8)"
_LOOK_AGAIN_S = 0.1
_LOOKS = 20


class _UnknownError(Exception):
    """The connection was lost while a transaction was being committed."""

    def __init__(self, number: str, results: list[Any]) -> None:
        self.number = number
        self.results = results


class _UndoneError(Exception):
    """One of several functions failed, and all were undone."""


def commit(link: Link, functions: Sequence[Work[Any]]) -> list[Any]:
    """Run functions in one transaction; return, once that is on the disk, what each has given.

    An exception among the results is what its caller gets; all get the same where the server
    cannot be reached or its disk is full.
    """
    while True:
        try:
            return _once(link, functions)
        except _UnknownError as unknown:
            try:
                if link.run(lambda db, number=unknown.number: _committed(db, number)):
                    return unknown.results
            except StorageFailed as error:
                return [error] * len(functions)
        except StorageFailed as error:
            return [error] * len(functions)
        except errors.DiskFull:
            return [_disk_full()] * len(functions)


def _once(link: Link, functions: Sequence[Work[Any]]) -> list[Any]:
    try:
        # A savepoint for each would double what goes back and forth, and mostly nothing fails.
        return link.run(lambda db: _transaction(db, functions, apart=False))
    except _UndoneError:
        return link.run(lambda db: _transaction(db, functions, apart=True))


def _transaction(
    db: psycopg.Connection[Row], functions: Sequence[Work[Any]], *, apart: bool
) -> list[Any]:
    begun = db.execute(_BEGIN)
    begun.nextset()
    number = str((begun.fetchone() or [""])[0])
    connection = PostgresConnection(db)
    try:
        results = [_run(connection, function, apart=apart) for function in functions]
    except psycopg.OperationalError:
        # Lost, or to be tried again: `Link` decides.
        _roll_back(db)
        raise
    except errors.ReadOnlySqlTransaction as error:
        # The server became a standby behind our back; the next connection looks for another.
        db.close()
        raise psycopg.OperationalError(str(error)) from error
    except Exception as error:
        _roll_back(db)
        if len(functions) > 1:
            raise _UndoneError from error
        return [_told(error)]
    try:
        db.execute("commit")
    except psycopg.OperationalError as error:
        if db.closed:
            raise _UnknownError(number, results) from error
        _roll_back(db)
        raise
    return results


def _run(connection: PostgresConnection, function: Work[Any], *, apart: bool) -> Any:
    if not apart:
        return function(connection)
    connection.execute("savepoint one")
    try:
        result = function(connection)
    except (psycopg.OperationalError, errors.ReadOnlySqlTransaction):
        raise
    except Exception as error:  # noqa: BLE001 - it is its caller's alone, whatever it is
        connection.execute("rollback to one")
        result = _told(error)
    connection.execute("release one")
    return result


def _told(error: Exception) -> Exception:
    """Return an error as the queue knows it."""
    match error:
        case RetakeError():
            return error
        case psycopg.IntegrityError():
            return ConstraintFailed(str(error))
        case psycopg.DataError():
            return ValueError(str(error))
        case _:
            return error


def _roll_back(db: psycopg.Connection[Row]) -> None:
    if not db.closed:
        try:
            db.execute("rollback")
        except psycopg.OperationalError:
            db.close()


def _committed(db: psycopg.Connection[Row], number: str) -> bool:
    """Return whether a transaction was committed.

    Raises:
        StorageFailed: It cannot be known (``database_unavailable``).
    """
    for _ in range(_LOOKS):
        row = db.execute(_STATUS, (number,)).fetchone()
        status = None if row is None else row[0]
        if status in {"committed", "aborted"}:
            return status == "committed"
        if status is None:
            break
        # The server has not noticed yet that we are gone.
        time.sleep(_LOOK_AGAIN_S)
    raise StorageFailed(
        "database_unavailable",
        "the connection to the server's database was lost, and whether this was done is not known; "
        "look before trying again, or try again with an Idempotency-Key",
        retryable=True,
    )


def _disk_full() -> StorageFailed:
    return StorageFailed("disk_full", "the disk of the server's database is full", retryable=True)
