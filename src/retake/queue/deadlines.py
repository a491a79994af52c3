"""Requests that are to be cancelled when their time is over. For the server's event loop only."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from retake.core.errors import StorageFailed

_log = logging.getLogger(__name__)

_AGAIN_S = 5


class Deadlines:
    """Cancels each request whose time is over; again after a while where the disk is full.

    Args:
        now: Gives Unix time in seconds.
        cancel: Cancels the request of an id.
    """

    def __init__(self, now: Callable[[], float], cancel: Callable[[str], Awaitable[None]]) -> None:
        self._now = now
        self._cancel = cancel
        self._closed = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def add(self, request_id: str, at: int) -> None:
        """Watch a request whose time is over at `at` (Unix time); at once when that is past."""
        self.remove(request_id)
        if self._closed:
            return
        delay_s = max(at - self._now(), 0.0)
        loop = asyncio.get_running_loop()
        self._timers[request_id] = loop.call_later(delay_s, self._due, request_id, at)

    def remove(self, request_id: str) -> None:
        """Watch a request no more; nothing happens where it is not watched."""
        if timer := self._timers.pop(request_id, None):
            timer.cancel()

    def close(self) -> None:
        """Watch nothing any more."""
        self._closed = True
        for request_id in list(self._timers):
            self.remove(request_id)

    def _due(self, request_id: str, at: int) -> None:
        del self._timers[request_id]
        if self._now() < at:
            # The loop's clock and the wall's do not run alike.
            self.add(request_id, at)
        else:
            task = asyncio.create_task(self._cancel_due(request_id))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _cancel_due(self, request_id: str) -> None:
        try:
            await self._cancel(request_id)
        except StorageFailed as error:
            _log.error("request %s could not be cancelled in time: %s", request_id, error)
            self.add(request_id, int(self._now()) + _AGAIN_S)
