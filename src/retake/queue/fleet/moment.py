"""What time it is: the database's time, so that machines whose clocks differ agree on leases."""

from __future__ import annotations

import time
from collections.abc import Callable

from retake.queue.database import Connection, Dialect

Clock = Callable[[Connection], float]
"""Gives Unix time in seconds, within a transaction."""

_SQL = "select extract(epoch from clock_timestamp())::double precision"


def database_time(db: Connection) -> float:
    """Return Unix time in seconds by the database's clock; SQLite's is this machine's."""
    if db.dialect is Dialect.SQLITE:
        return time.time()
    return float(db.execute(_SQL).fetchone()[0])
