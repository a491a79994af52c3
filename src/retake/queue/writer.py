"""One thread writes everything: whatever waits is committed together and answered after COMMIT.

So an answer means that the disk has it, and a hundred callers at once cost one fsync.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, NoReturn, TypeVar

from retake.core.errors import BadRequest, StorageFailed

_log = logging.getLogger(__name__)

T = TypeVar("T")
_Write = Callable[[sqlite3.Connection], Any]
_Waiting = tuple[_Write, "asyncio.Future[Any]"]

_MOST_AT_ONCE = 256
# A constraint, or a value that SQLite cannot hold: a lone surrogate, an integer over 64 bits; or
# what the function itself finds wrong with what is asked.
_CALLERS_MISTAKES = (
    BadRequest,
    sqlite3.IntegrityError,
    sqlite3.ProgrammingError,
    ValueError,
    OverflowError,
)
_EXIT_STATUS = 70  # EX_SOFTWARE of sysexits.h


def _end_process() -> NoReturn:
    logging.shutdown()
    os._exit(_EXIT_STATUS)


class Writer:
    """Runs functions on the writing connection, in the order in which they came.

    Args:
        db: The connection; nobody else may use it from now on.
        on_fatal: Called when the thread cannot go on. The default ends the process: a server
            whose writer is gone would let every request hang.
    """

    def __init__(
        self, db: sqlite3.Connection, *, on_fatal: Callable[[], None] = _end_process
    ) -> None:
        self._db = db
        self._on_fatal = on_fatal
        self._queue: SimpleQueue[list[_Waiting] | None] = SimpleQueue()
        self._gathered: list[_Waiting] = []
        self._gatherer: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._loop, name="requests-writer", daemon=True)
        self._thread.start()

    async def write(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run `function` in a transaction; returns its result once that is on the disk.

        Raises:
            StorageFailed: The disk is full (``disk_full``) or the writer was closed
                (``stopping``). Nothing was written.
            BadRequest: `function` raised it. Nothing was written.
            sqlite3.IntegrityError, sqlite3.ProgrammingError, ValueError, OverflowError: A
                constraint forbids it, or SQLite cannot hold a value. Nothing was written.
        """
        # The caller's own: when he goes away it is he who does not wait, the write is done.
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        with self._lock:
            if self._closed:
                raise StorageFailed("stopping", "the server is stopping", retryable=True)
            self._gathered.append((function, future))
            if self._gatherer is not loop:
                # Together with what else this turn of the loop brings: the thread is woken once.
                self._gatherer = loop
                loop.call_soon(self._hand_over)
        return await future

    def _hand_over(self) -> None:
        with self._lock:
            gathered, self._gathered, self._gatherer = self._gathered, [], None
            if gathered:
                self._queue.put(gathered)

    def close(self) -> None:
        """Write what waits, then close the connection."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            gathered, self._gathered = self._gathered, []
            self._queue.put(gathered)
            self._queue.put(None)
        self._thread.join()

    def _loop(self) -> None:
        try:
            while batch := self._next_batch():
                self._commit(batch)
            self._db.close()
        except BaseException:  # noqa: BLE001 - whatever it is, nobody would write any more
            _log.critical("the requests' writer cannot go on", exc_info=True)
            self._on_fatal()

    def _next_batch(self) -> list[_Waiting]:
        """Wait for something to write; an empty list means that nothing will come."""
        batch: list[_Waiting] = []
        item = self._queue.get()
        while item is not None:
            batch += item
            if batch and (len(batch) >= _MOST_AT_ONCE or self._queue.empty()):
                return batch
            item = self._queue.get()
        # The end mark is only followed by nothing, so it can wait behind this batch.
        if batch:
            self._queue.put(None)
        return batch

    def _commit(self, batch: list[_Waiting]) -> None:
        try:
            self._db.execute("begin immediate")
            results: list[Any] = [_apart(self._db, function) for function, _ in batch]
            self._db.execute("commit")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_FULL:
                raise
            if self._db.in_transaction:
                self._db.execute("rollback")
            _log.error("the disk is full: %d writes were refused", len(batch))
            results = [_disk_full()] * len(batch)
        _answer([future for _, future in batch], results)


def _answer(futures: list[asyncio.Future[Any]], results: list[Any]) -> None:
    """Tell each loop, once, what came of all that was written for it."""
    told = list(zip(futures, results, strict=True))
    for loop in {future.get_loop() for future in futures}:
        # A loop that is closed has nobody left who waits.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(
                _settle, [pair for pair in told if pair[0].get_loop() is loop]
            )


def _settle(told: list[tuple[asyncio.Future[Any], Any]]) -> None:
    for future, result in told:
        if future.done():
            continue
        if isinstance(result, Exception):
            future.set_exception(result)
        else:
            future.set_result(result)


def _apart(db: sqlite3.Connection, function: _Write) -> Any:
    """Return what `function` returned, or its caller's mistake, having undone it alone."""
    db.execute("savepoint one")
    try:
        result = function(db)
    except _CALLERS_MISTAKES as error:
        db.execute("rollback to one")
        result = error
    db.execute("release one")
    return result


def _disk_full() -> StorageFailed:
    return StorageFailed(
        "disk_full",
        f"the server's disk is full: {os.strerror(errno.ENOSPC)}",
        retryable=True,
    )
