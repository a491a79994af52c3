"""Where the recorded steps are: in a file of one machine, or in the database of many.

Neither runs anything; `Durable` does. What is here says how DBOS is to be set up.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from dbos import DBOSPortableJSONSerializer

from retake.queue.old_sqlite import teach_subsec

if TYPE_CHECKING:
    from dbos import DBOSConfig

_log = logging.getLogger(__name__)

_NEVER_S = 3600.0
_SHORT_S = 0.1
_SCHEMA = "retake_steps"
_CONNECTIONS = 4


class StepRecords(Protocol):
    """Where steps are recorded."""

    @property
    def shared(self) -> bool:
        """Whether others record theirs in the same place."""
        ...

    @property
    def whose(self) -> str:
        """The beginning of the name of whoever records here."""
        ...

    def prepare(self) -> None:
        """Make sure that they can be opened."""
        ...

    def config(self, executor_id: str, *, first: bool) -> DBOSConfig:
        """Return DBOS's set-up.

        Args:
            executor_id: Who runs requests.
            first: Whether this process opens them for the first time.
        """
        ...


class StepsFile:
    """The recorded steps of one machine, in an SQLite file that one process has open.

    Args:
        path: The file; made when it is not there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def shared(self) -> bool:
        """No."""
        return False

    @property
    def whose(self) -> str:
        """Empty: there is only one."""
        return ""

    def prepare(self) -> None:
        """Put a damaged file aside: only finished steps are lost with it."""
        if not _sound(self._path):
            aside = self._path.with_name(f"{self._path.name}.damaged-{int(time.time())}")
            _log.error("%s is damaged and was renamed to %s", self._path.name, aside.name)
            self._path.replace(aside)
        # SQLite would create it with the umask's permissions.
        self._path.touch(mode=0o600)
        teach_subsec()

    def config(self, executor_id: str, *, first: bool) -> DBOSConfig:
        """Return DBOS's set-up for a file."""
        del first
        return _config(f"sqlite:///{self._path}", executor_id)


class StepsDatabase:
    """The recorded steps of many machines, in a schema of their own of a PostgreSQL database.

    Args:
        url: The database.
        slot: Whose they are to be: ``host:engine:slot``.
    """

    def __init__(self, url: str, slot: str) -> None:
        self._url = url
        self._slot = slot

    @property
    def shared(self) -> bool:
        """Yes."""
        return True

    @property
    def whose(self) -> str:
        """The slot."""
        return f"{self._slot}:"

    def prepare(self) -> None:
        """Nothing: the database is somebody else's."""

    def config(self, executor_id: str, *, first: bool) -> DBOSConfig:
        """Return DBOS's set-up for a database; its tables are made and upgraded at first."""
        return {
            **_config(self._url, executor_id),
            "dbos_system_schema": _SCHEMA,
            "use_listen_notify": False,
            "sys_db_pool_size": _CONNECTIONS,
            "run_migrations": first,
            # Without its database it would tell so in hundreds of lines; the worker does in one.
            "log_level": "ERROR",
        }


def _config(url: str, executor_id: str) -> DBOSConfig:
    return {
        "name": "retake",
        "system_database_url": url,
        "serializer": DBOSPortableJSONSerializer(),
        # Pinned: a version of its own for each release would leave requests behind at an upgrade.
        "application_version": "1",
        # A new one each time: DBOS resumes at launch what its own executor left, unasked.
        "executor_id": executor_id,
        "log_level": "WARNING",
        # Neither notifications nor schedules are used. The former's thread ends only at its next
        # poll, which `rest` waits for; the latter's at once.
        "notification_listener_polling_interval_sec": _SHORT_S,
        "scheduler_polling_interval_sec": _NEVER_S,
    }


def _sound(path: Path) -> bool:
    """Return whether the file is absent, empty or an SQLite database without damage."""
    if not path.exists():
        return True
    try:
        db = sqlite3.connect(path)
        try:
            return db.execute("pragma quick_check").fetchone() == ("ok",)
        finally:
            db.close()
    except sqlite3.DatabaseError:
        return False


def are_away(error: BaseException | None) -> bool:
    """Return whether an error, or what it came from, says that PostgreSQL cannot be reached.

    That is nobody's fault: the request goes on, here or elsewhere, once it can be.
    """
    lost = {"OperationalError", "InterfaceError"}
    while error is not None:
        kinds = type(error).__mro__
        if any(kind.__module__.startswith("psycopg") and kind.__name__ in lost for kind in kinds):
            return True
        error = error.__cause__ or error.__context__
    return False
