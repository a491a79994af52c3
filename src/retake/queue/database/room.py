"""Room in SQLite's files before it is needed, since a file that has to grow is slow.

What overwrites blocks that a file has is on the disk when its data are. What makes a file longer
is there only when the file system's journal is, which waits for whatever other programs have in it:
on ext4, alone on a quiet disk, the 99th of 100 appended pages took 18 ms, of overwritten ones 1.6.
So the write-ahead log and the database are made longer ahead of the writes that will fill them.
"""

from __future__ import annotations

import logging
import sqlite3
from contextlib import suppress

_log = logging.getLogger(__name__)

FILLED_BYTES = 6 * 2**20
"""How much is added: more than the 1000 pages at which SQLite empties the log, which keeps its
length then."""
_LOW_BYTES = 2 * 2**20
_EVERY = 64
"""After so many transactions it is looked at; servers that are hardly used never need it."""


class Room:
    """Keeps free pages in a database, and its log long.

    Args:
        db: The connection that writes, in WAL mode; used between transactions only.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._commits = 0
        self._filled = False

    def committed(self) -> None:
        """Take note of a transaction; now and then, make room."""
        self._commits += 1
        if self._commits % _EVERY == 0 and not (self._filled and self.free_bytes() > _LOW_BYTES):
            self.fill()

    def free_bytes(self) -> int:
        """Return how much can be stored before the file has to grow."""
        (pages,) = self._db.execute("pragma freelist_count").fetchone()
        (page_bytes,) = self._db.execute("pragma page_size").fetchone()
        return pages * page_bytes

    def fill(self) -> None:
        """Make room; where there is none on the disk, everything stays as it was."""
        db = self._db
        try:
            # What a process that was killed here has left.
            db.execute("drop table if exists room")
            # Two transactions: pages that one of them takes and gives back are never written.
            db.execute("begin immediate")
            db.execute("create table room (filler blob)")
            db.execute("insert into room values (zeroblob(?))", (FILLED_BYTES,))
            db.execute("commit")
            db.execute("drop table room")
            db.execute("pragma wal_checkpoint(passive)").fetchall()
        except sqlite3.OperationalError as error:
            if db.in_transaction:
                with suppress(sqlite3.OperationalError):
                    db.execute("rollback")
            _log.warning("no room could be made in the requests' file: %s", error)
        # A disk that is full now is not asked again with every write.
        self._filled = True
