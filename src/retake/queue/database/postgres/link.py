"""One connection to PostgreSQL, made again when it is lost; and knowing that the server is away."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from retake.core.errors import StorageFailed
from retake.queue.database.postgres.connection import PostgresConnection, Row, rows_by_name

_log = logging.getLogger(__name__)

T = TypeVar("T")

# A connection that leads nowhere is given up within some ten seconds, not after TCP's two hours.
_USUAL: dict[str, Any] = {
    "application_name": "retake",
    "client_encoding": "UTF8",
    "connect_timeout": 3,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 8000,
    "target_session_attrs": "read-write",
}
_BACK_OFF_S = (0.0, 0.05, 0.1, 0.2, 0.4)
_CLOSED_S = 0.5


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a lost connection is tried to be made again before the caller is told, in seconds.

    `connect_s` is how long one try may take.
    """

    total_s: float = 5.0
    connect_s: int = 3


class Outage:
    """Knows that the server is away, so that not every caller waits to find it out.

    One is kept by all connections to one server; may be used from any thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until = 0.0
        self._told = False

    def check(self) -> None:
        """Let pass, unless the server was found away a moment ago.

        Raises:
            StorageFailed: It was (``database_unavailable``, retryable).
        """
        if time.monotonic() < self._until:
            raise unavailable()

    def begin(self, error: psycopg.Error) -> NoReturn:
        """Note that the server is away, and tell so.

        Raises:
            StorageFailed: Always (``database_unavailable``, retryable).
        """
        with self._lock:
            self._until = time.monotonic() + _CLOSED_S
            if not self._told:
                _log.error("the database cannot be reached: %s", _one_line(error))
            self._told = True
        raise unavailable() from error

    def end(self) -> None:
        """Note that the server answers."""
        if self._told:
            with self._lock:
                self._told, self._until = False, 0.0
            _log.info("the database can be reached again")


class Link:
    """A connection that is made when it is needed; for one thread at a time.

    Args:
        url: Where the database is, as libpq takes it.
        outage: Shared by all links to that server.
        patience: How long to try.
    """

    def __init__(self, url: str, outage: Outage, patience: Patience) -> None:
        self._conninfo = conninfo_of(url, patience)
        self._outage = outage
        self._patience = patience
        self._connection: psycopg.Connection[Row] | None = None

    def run(self, function: Callable[[psycopg.Connection[Row]], T]) -> T:
        """Run `function` on the connection; again on a new one when the connection is lost.

        Raises:
            StorageFailed: The server cannot be reached (``database_unavailable``, retryable).
        """
        self._outage.check()
        until, tries = time.monotonic() + self._patience.total_s, 0
        while True:
            try:
                result = function(self._connected())
            except psycopg.OperationalError as error:
                if not self._lost() and not _passes(error):
                    raise
                tries += 1
                pause_s = _BACK_OFF_S[min(tries, len(_BACK_OFF_S) - 1)]
                if time.monotonic() + pause_s > until:
                    self._outage.begin(error)
                time.sleep(pause_s)
            else:
                self._outage.end()
                return result

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> psycopg.Connection[Row]:
        if self._connection is None:
            self._connection = connect(self._conninfo)
        return self._connection

    def _lost(self) -> bool:
        """Return whether there is no connection any more, having put away what is left of it."""
        if self._connection is not None and not self._connection.closed:
            return False
        self._connection = None
        return True


def connect(conninfo: str) -> psycopg.Connection[Row]:
    """Return a new connection, without transactions of its own and without prepared statements.

    The latter so that a pooler between us and the server may give each transaction another one.
    """
    return psycopg.Connection[Row].connect(
        conninfo, autocommit=True, prepare_threshold=None, row_factory=rows_by_name
    )


def conninfo_of(url: str, patience: Patience | None = None) -> str:
    """Return what libpq is told: the URL, and what it does not say about time-outs."""
    found = conninfo_to_dict(url)
    connect_s = (patience or Patience()).connect_s
    return make_conninfo("", **{**_USUAL, "connect_timeout": connect_s, **found})


def unavailable() -> StorageFailed:
    """Return the error for a database that does not answer."""
    return StorageFailed(
        "database_unavailable",
        "the server's database cannot be reached at the moment; try again in a few seconds",
        retryable=True,
    )


def shared(connection: psycopg.Connection[Row]) -> PostgresConnection:
    """Return what the queue's functions get of a connection."""
    return PostgresConnection(connection)


def _passes(error: psycopg.OperationalError) -> bool:
    """Return whether the same may go well the next time: deadlock, or no room for a connection."""
    return (error.sqlstate or "")[:2] in {"40", "53", "57"} and error.sqlstate not in {
        "53100",
        "57014",
    }


def _one_line(error: psycopg.Error) -> str:
    return " ".join(str(error).split())[:300]
