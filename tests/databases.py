"""A place for requests on either database, opened as often as a test wants.

def test_…(place: Place) -> None:          # once on SQLite, once on PostgreSQL
    requests = place.requests(now=clock)
    …
    requests.close()
    requests = place.requests()            # what the next start finds
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from retake.queue.data_dir import DataDir
from retake.queue.database import Database
from retake.queue.opening import open_database
from retake.queue.requests import Requests

DIALECTS = ("sqlite", "postgresql")


class Place:
    """Where requests are kept.

    Attributes:
        setting: What `--database` takes.
        data_dir: The data folder, which there is in any case.
    """

    def __init__(self, folder: Path, setting: str = "sqlite") -> None:
        self.setting = setting
        self.data_dir = DataDir(folder)

    def open(self) -> Database:
        return open_database(self.data_dir, self.setting)

    def requests(self, **more: Any) -> Requests:
        return Requests(self.data_dir, database=self.open(), **more)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return what a query gives, asked by somebody else."""
        database = self.open()
        try:
            return [
                tuple(row) for row in database.read_now(lambda db: db.execute(query).fetchall())
            ]
        finally:
            database.close()
