"""A function that DBOS 3.4 takes for granted from Python 3.12 on, for SQLite older than 3.42.

DBOS's tables have ``unixepoch('subsec')`` as the default of their times when Python is 3.12 or
later, whichever SQLite that Python was built with (Debian 12 has 3.40, which gives NULL there).
To be removed when DBOS asks for SQLite's version instead of Python's.
"""

from __future__ import annotations

import sqlite3
import time

from sqlalchemy import event
from sqlalchemy.engine import Engine

_KNOWS_SUBSEC = (3, 42, 0)


def teach_subsec() -> None:
    """Give every SQLite connection of this process ``unixepoch('subsec')`` where it is missing."""
    if sqlite3.sqlite_version_info < _KNOWS_SUBSEC and not event.contains(
        Engine, "connect", _on_connect
    ):
        event.listen(Engine, "connect", _on_connect)


def _on_connect(connection: sqlite3.Connection, _record: object) -> None:
    # Only the form that DBOS's defaults have: one argument, which says that fractions are wanted.
    connection.create_function("unixepoch", 1, _now)


def _now(_modifier: str) -> float:
    return time.time()
