"""One thread writes everything: whatever waits is committed together and answered after COMMIT.

So an answer means that the disk has it, and a hundred callers at once cost one fsync.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, NoReturn, TypeVar

from retake.core.errors import StorageFailed
from retake.queue.database.port import Work

_log = logging.getLogger(__name__)

T = TypeVar("T")
_Waiting = tuple[Work[Any], "asyncio.Future[Any]"]
Commit = Callable[[Sequence[Work[Any]]], list[Any]]
"""``commit(functions)`` runs them in one transaction and returns, once that is on the disk, what
each has given: its result, or the exception that its caller gets."""

_MOST_AT_ONCE = 256
_EXIT_STATUS = 70  # EX_SOFTWARE of sysexits.h


def end_process() -> NoReturn:
    """End this process at once: nobody would write any more."""
    logging.shutdown()
    os._exit(_EXIT_STATUS)


class Writer:
    """Hands over what is to be written, in the order in which it came.

    Args:
        commit: Writes; called by one thread at a time.
        close: Called at the end, when nothing more will be written.
        on_fatal: Called when the thread cannot go on. The default ends the process: a server
            whose writer is gone would let every request hang.
    """

    def __init__(
        self,
        commit: Commit,
        close: Callable[[], None],
        *,
        on_fatal: Callable[[], None] = end_process,
    ) -> None:
        self._commit = commit
        self._close = close
        self._on_fatal = on_fatal
        self._queue: SimpleQueue[list[_Waiting] | None] = SimpleQueue()
        self._gathered: list[_Waiting] = []
        self._gatherer: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._loop, name="requests-writer", daemon=True)
        self._thread.start()

    async def write(self, function: Work[T]) -> T:
        """Run `function` in a transaction; see `Database.write`."""
        # The caller's own: when he goes away it is he who does not wait, the write is done.
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        with self._lock:
            if self._closed:
                raise _is_stopping()
            self._gathered.append((function, future))
            if self._gatherer is not loop:
                # Together with what else this turn of the loop brings: the thread is woken once.
                self._gatherer = loop
                loop.call_soon(self._hand_over)
        return await future

    def write_now(self, function: Work[T]) -> T:
        """Run `function` in a transaction on the caller's thread; see `Database.write_now`."""
        with self._turn:
            if self._closed:
                raise _is_stopping()
            (result,) = self._commit([function])
        if isinstance(result, Exception):
            raise result
        return result

    def close(self) -> None:
        """Write what waits, then close."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            gathered, self._gathered = self._gathered, []
            self._queue.put(gathered)
            self._queue.put(None)
        self._thread.join()

    def _hand_over(self) -> None:
        with self._lock:
            gathered, self._gathered, self._gatherer = self._gathered, [], None
            if gathered:
                self._queue.put(gathered)

    def _loop(self) -> None:
        try:
            while batch := self._next_batch():
                with self._turn:
                    results = self._commit([function for function, _ in batch])
                _answer([future for _, future in batch], results)
            with self._turn:
                self._close()
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


def _is_stopping() -> StorageFailed:
    return StorageFailed("stopping", "the server is stopping", retryable=True)
