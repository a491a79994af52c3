"""What the queue asks of a database, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Dialect(StrEnum):
    """Which database it is, where a statement has to know."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


Texts = Mapping[Dialect, str]
"""A statement that has a text for each database: ``db.execute(TEXTS[db.dialect], values)``."""


class ConstraintFailed(ValueError):
    """A constraint of the database forbids what was to be written."""


class Cursor(Protocol):
    """What a statement has given."""

    @property
    def rowcount(self) -> int:
        """How many rows it has changed."""
        ...

    def fetchone(self) -> Any:
        """Return the next row, whose columns are had by name and by number; None behind the last.

        A row is a sequence that also answers ``row["name"]`` and ``row.keys()``.
        """
        ...

    def fetchall(self) -> list[Any]:
        """Return all rows that are left."""
        ...


class Connection(Protocol):
    """A connection within a transaction; good for the function that it is given to, no longer."""

    @property
    def dialect(self) -> Dialect:
        """Which database this is."""
        ...

    def execute(self, sql: str, parameters: Mapping[str, Any] = ..., /) -> Cursor:
        """Run one statement. Its parameters are written ``:name``.

        Values are None, int, float, str, bytes; JSON is text in both databases.
        """
        ...


Work = Callable[[Connection], T]


class Database(Protocol):
    """A database that is open; for one event loop.

    The functions that it runs get a connection, use it at once and keep nothing of it. They may be
    run a second time where the first left no trace: the connection was lost, say, or PostgreSQL
    found two transactions in each other's way.
    """

    @property
    def dialect(self) -> Dialect:
        """Which database this is."""
        ...

    async def write(self, function: Work[T]) -> T:
        """Run `function` in a transaction; returns its result once that is on the disk.

        Functions that wait at the same time are committed together; one that raises is undone
        alone.

        Raises:
            StorageFailed: The disk is full (``disk_full``), the database cannot be reached
                (``database_unavailable``), or this was closed (``stopping``); all retryable.
            BadRequest: `function` raised it. Nothing was written.
            ConstraintFailed, ValueError, OverflowError: A constraint forbids it, or the database
                cannot hold a value. Nothing was written.
        """
        ...

    async def read(self, function: Work[T]) -> T:
        """Run `function` on what was committed before, and return its result.

        On SQLite it is run at once, without giving way to others of the event loop.

        Raises:
            StorageFailed: The database cannot be reached (``database_unavailable``), or this was
                closed (``stopping``); both retryable.
        """
        ...

    def write_now(self, function: Work[T]) -> T:
        """Do what `write` does while the caller's thread waits: for starts and for commands."""
        ...

    def read_now(self, function: Work[T]) -> T:
        """Do what `read` does while the caller's thread waits: for starts and for commands."""
        ...

    def close(self) -> None:
        """Write what waits, then close every connection."""
        ...
