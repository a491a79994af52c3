"""Opening the database that requests are kept in."""

from __future__ import annotations

from retake.queue.data_dir import DataDir
from retake.queue.database import Database, Dialect
from retake.queue.database.address import SQLITE, postgres_url
from retake.queue.database.sqlite import SqliteDatabase
from retake.queue.keys import Keys
from retake.queue.schema import open_reader, open_writer
from retake.queue.tables import STEPS


def open_database(data_dir: DataDir, setting: str = SQLITE) -> Database:
    """Open the requests' database.

    A file of SQLite's, and an empty database of PostgreSQL's, are brought to this program's
    version; a PostgreSQL database of another version is not: others may be working on it.

    Args:
        data_dir: The locked data folder, whose own file it is.
        setting: Which database is meant: `SQLITE`, or the URL of a PostgreSQL database.

    Raises:
        BadRequest: It is neither (``bad_database``).
        StorageFailed: It was written by a later version (``data_dir_too_new``,
            ``database_too_new``) or an earlier one (``database_too_old``), is not SQLite's
            (``data_dir_damaged``), or cannot be reached (``database_unreachable``).
    """
    if (url := postgres_url(setting)) is not None:
        return open_postgres(url)
    writing = open_writer(data_dir.requests)
    return SqliteDatabase(writing, open_reader(data_dir.requests))


def open_postgres(url: str) -> Database:
    """Open a PostgreSQL database; see `open_database`."""
    # psycopg is half the time that `retake --help` takes.
    from retake.queue.database.postgres.database import PostgresDatabase
    from retake.queue.database.postgres.upgrade import check, upgrade, versions

    found = versions(url, STEPS)
    if not found.found:
        upgrade(url, STEPS, only_empty=True)
        found = versions(url, STEPS)
    check(found)
    return PostgresDatabase(url)


def open_keys(data_dir: DataDir, setting: str = SQLITE) -> Keys:
    """Open the keys, whether or not a server runs on them; see `open_database` for `setting`."""
    url = postgres_url(setting)
    return Keys(data_dir.keys) if url is None else Keys(open_postgres(url), owned=True)


def keys_beside(database: Database, data_dir: DataDir) -> Keys:
    """Return the keys of a server whose requests' database is open."""
    return Keys(data_dir.keys if database.dialect is Dialect.SQLITE else database)
