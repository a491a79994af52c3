"""Opening the database that requests are kept in."""

from __future__ import annotations

from retake.queue.data_dir import DataDir
from retake.queue.database import Database
from retake.queue.database.sqlite import SqliteDatabase
from retake.queue.schema import open_reader, open_writer


def open_database(data_dir: DataDir) -> Database:
    """Open the requests' database of a locked data folder; made when it is not there.

    Raises:
        StorageFailed: It was written by a later version (``data_dir_too_new``), or is not
            SQLite's (``data_dir_damaged``).
    """
    writing = open_writer(data_dir.requests)
    return SqliteDatabase(writing, open_reader(data_dir.requests))
