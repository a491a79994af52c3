"""Requests that are to be cancelled when their time is over. For the server's event loop only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Deadlines:
    """Calls back for each request whose time is over.

    Args:
        now: Gives Unix time in seconds.
        on_due: Called with the id of each request whose time is over.
    """

    def __init__(self, now: Callable[[], float], on_due: Callable[[str], None]) -> None:
        self._now = now
        self._on_due = on_due
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def add(self, request_id: str, at: int) -> None:
        """Watch a request whose time is over at `at` (Unix time); at once when that is past."""
        self.remove(request_id)
        delay_s = max(at - self._now(), 0.0)
        loop = asyncio.get_running_loop()
        self._timers[request_id] = loop.call_later(delay_s, self._due, request_id, at)

    def remove(self, request_id: str) -> None:
        """Watch a request no more; nothing happens where it is not watched."""
        if timer := self._timers.pop(request_id, None):
            timer.cancel()

    def close(self) -> None:
        """Watch nothing any more."""
        for request_id in list(self._timers):
            self.remove(request_id)

    def _due(self, request_id: str, at: int) -> None:
        del self._timers[request_id]
        if self._now() < at:
            # The loop's clock and the wall's do not run alike.
            self.add(request_id, at)
        else:
            self._on_due(request_id)
