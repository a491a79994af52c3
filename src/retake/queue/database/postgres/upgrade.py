"""Bringing a PostgreSQL database to this program's version; the number is kept in a table.

All steps are one transaction, so that a database is at one version or at the other. An advisory
lock makes a second one that begins meanwhile wait, and then find nothing left to do.
"""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from retake.core.errors import StorageFailed
from retake.queue.database.port import Dialect, Texts
from retake.queue.database.postgres.connection import Row
from retake.queue.database.postgres.link import connect, conninfo_of

_LOCK = 0x7265_7461_6B65  # "retake"
_WAIT_S = 5.0
_IS_THERE = "select to_regclass('retake_version') is not null"
_FOUND = "select version from retake_version"
_MAKE = """
create table if not exists retake_version (
    only_one    boolean primary key default true check (only_one),
    version     bigint not null,
    upgraded_at timestamptz not null default now()
);
insert into retake_version (version) values (0) on conflict do nothing;
"""
_NOTE = "update retake_version set version = %s, upgraded_at = now()"


@dataclass(frozen=True, slots=True)
class Versions:
    """Which version a database has, and which one this program needs; 0 is an empty database."""

    found: int
    known: int


def versions(url: str, steps: tuple[Texts, ...]) -> Versions:
    """Return which version the database has.

    Raises:
        StorageFailed: It cannot be reached (``database_unreachable``).
    """
    with _open(url) as db:
        return Versions(_found(db), len(steps))


def upgrade(
    url: str, steps: tuple[Texts, ...], *, only_empty: bool = False, wait_s: float = _WAIT_S
) -> Versions:
    """Bring the database to this program's version.

    Args:
        url: Where it is.
        steps: Step n makes version n + 1 from version n.
        only_empty: Whether to leave alone what holds tables of ours already.
        wait_s: How long a step waits for a table that somebody holds, in seconds: whoever needs
            that table next waits behind it.

    Returns:
        Which version it had.

    Raises:
        StorageFailed: It cannot be reached (``database_unreachable``), a later version made it
            (``database_too_new``), or it refused a step (``database_refused``).
    """
    with _open(url) as db:
        try:
            with db.transaction():
                return _climb(db, steps, wait_s, only_empty=only_empty)
        except psycopg.Error as error:
            raise StorageFailed(
                "database_refused",
                f"the database could not be upgraded, and is as it was: {_one_line(error)}",
                param="database",
            ) from error


def check(found: Versions) -> None:
    """Let pass a database of this program's version.

    Raises:
        StorageFailed: It is another one's (``database_too_new``, ``database_too_old``).
    """
    if found.found > found.known:
        raise StorageFailed(
            "database_too_new",
            f"the database has version {found.found}; this program knows version {found.known}: "
            "install the retake that upgraded it, or a later one",
            param="database",
        )
    if found.found < found.known:
        raise StorageFailed(
            "database_too_old",
            f"the database has version {found.found}; this program needs version {found.known}: "
            "run `retake db upgrade` once (machines with the version before go on meanwhile)",
            param="database",
        )


def _climb(
    db: psycopg.Connection[Row], steps: tuple[Texts, ...], wait_s: float, *, only_empty: bool
) -> Versions:
    db.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
    versions = Versions(_found(db), len(steps))
    if versions.found > versions.known:
        check(versions)
    if versions.found == versions.known or (only_empty and versions.found):
        return versions
    # Not before: it would hold for the wait above, too.
    db.execute(f"set local lock_timeout = {round(wait_s * 1000)}".encode())
    db.execute(_MAKE.encode())
    for step in steps[versions.found :]:
        if text := step[Dialect.POSTGRESQL]:
            db.execute(text.encode())
    db.execute(_NOTE, (versions.known,))
    return versions


def _found(db: psycopg.Connection[Row]) -> int:
    there = db.execute(_IS_THERE).fetchone()
    row = db.execute(_FOUND).fetchone() if there is not None and there[0] else None
    return 0 if row is None else int(row[0])


def _open(url: str) -> psycopg.Connection[Row]:
    try:
        return connect(conninfo_of(url))
    except psycopg.Error as error:
        raise StorageFailed(
            "database_unreachable",
            f"the database cannot be opened: {_one_line(error)}; accepted is "
            "postgresql://USER:PASSWORD@HOST:PORT/NAME of a PostgreSQL 14 or later",
            param="database",
        ) from error


def _one_line(error: psycopg.Error) -> str:
    return " ".join(str(error).split())[:300]
