"""One at a time: whoever comes is let in once the one before has left, who is asked to do so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager


class Taking:
    """Turns at things that have names; for one event loop."""

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}
        self._waiting: dict[str, int] = {}
        self._leave: dict[str, asyncio.Event] = {}

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncGenerator[asyncio.Event]:
        """Have the turn at `name`; yield an event that is set when somebody else wants it."""
        if holder := self._leave.get(name):
            holder.set()
        lock = self._locks.setdefault(name, asyncio.Lock())
        self._waiting[name] = self._waiting.get(name, 0) + 1
        try:
            async with lock:
                leave = self._leave[name] = asyncio.Event()
                if self._waiting[name] > 1:
                    leave.set()
                try:
                    yield leave
                finally:
                    del self._leave[name]
        finally:
            self._waiting[name] -= 1
            if not self._waiting[name]:
                del self._waiting[name], self._locks[name]
