"""A connection to PostgreSQL that takes the SQL which SQLite takes: ``:name`` for a parameter."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import psycopg
from psycopg.rows import RowMaker

from retake.queue.database.port import Cursor, Dialect

_NOTHING: Mapping[str, Any] = {}
# A text in quotes stays as it is, and so does a cast.
_PARAMETER = re.compile(r"'[^']*'|::|:([a-z_][a-z0-9_]*)", re.ASCII)


class Row(Sequence[Any]):
    """A row whose columns are had by number and by name, as `sqlite3.Row` is.

    Args:
        values: The columns.
        places: At which place each name is.
    """

    __slots__ = ("_places", "_values")

    def __init__(self, values: Sequence[Any], places: dict[str, int]) -> None:
        self._values = values
        self._places = places

    def __getitem__(self, key: Any) -> Any:
        return self._values[self._places[key] if isinstance(key, str) else key]

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def keys(self) -> list[str]:
        """Return the columns' names."""
        return list(self._places)


def rows_by_name(cursor: psycopg.Cursor[Any]) -> RowMaker[Row]:
    """Make `Row`s: psycopg's row factory."""
    columns = cursor.description or ()
    places = {column.name: place for place, column in enumerate(columns)}
    return lambda values: Row(values, places)


class PostgresConnection:
    """Runs statements on a connection of psycopg's.

    Args:
        connection: The connection.
    """

    dialect: Dialect = Dialect.POSTGRESQL

    def __init__(self, connection: psycopg.Connection[Row]) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Mapping[str, Any] = _NOTHING, /) -> Cursor:
        """Run one statement; see `Connection.execute`."""
        values = {name: _storable(value) for name, value in parameters.items()}
        return self._connection.execute(translated(sql).encode(), values)


@lru_cache(maxsize=1000)
def translated(sql: str) -> str:
    """Return a statement with psycopg's ``%(name)s`` for each ``:name``."""
    return _PARAMETER.sub(_one, sql.replace("%", "%%"))


def _one(match: re.Match[str]) -> str:
    return match[0] if match[1] is None else f"%({match[1]})s"


def _storable(value: Any) -> Any:
    # No text of PostgreSQL's holds NUL. What is looked for with one is not found then either.
    return value.replace("\0", "\ufffd") if isinstance(value, str) and "\0" in value else value
