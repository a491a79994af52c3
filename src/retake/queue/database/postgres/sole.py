"""Something that one process of many does: the one that holds a lock of the database.

The lock belongs to a connection. When its process ends, or is cut off, the server lets go of it,
and another process takes it up. The one that was cut off notices within some seconds; until then
both may do it, so what is done has to bear that.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from typing import Any, Protocol

import psycopg

from retake.queue.database.postgres.link import conninfo_of

_log = logging.getLogger(__name__)

_EVERY_S = 2.0
_ANSWER_S = 10.0
_TAKE = "select pg_try_advisory_lock(%s)"


class Duty(Protocol):
    """What is done while the lock is held."""

    def start(self) -> None:
        """Begin."""
        ...

    async def stop(self) -> None:
        """Stop."""
        ...


class Sole:
    """Does a duty while this process is the one to do it; itself a `Duty`.

    Args:
        url: The database; a direct connection, since a pooler may share it with others.
        name: What the lock is called.
        duty: Makes the duty anew, each time it begins here.
        every_s: How often is looked whether it is this process's turn, or still is, in seconds.
    """

    def __init__(
        self, url: str, name: str, duty: Callable[[], Duty], every_s: float = _EVERY_S
    ) -> None:
        self._url = url
        self._lock = int.from_bytes(sha256(name.encode()).digest()[:7])
        self._name = name
        self._make = duty
        self._every_s = every_s
        self._task: asyncio.Task[None] | None = None
        self.doing: Duty | None = None

    def start(self) -> None:
        """Begin to wait for the lock; on the event loop."""
        self._task = asyncio.create_task(self._go_on(), name=self._name)

    async def stop(self) -> None:
        """Stop, and let another process take over at once."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _go_on(self) -> None:
        while True:
            try:
                await self._once()
            except psycopg.Error as error:
                _log.debug("%s waits for the database: %s", self._name, error)
            except Exception:  # noqa: BLE001 - the next try may go better
                _log.exception("%s stumbled", self._name)
            await asyncio.sleep(self._every_s)

    async def _once(self) -> None:
        """Wait for the lock, then do the duty for as long as it is held."""
        opened = psycopg.AsyncConnection[Any].connect(conninfo_of(self._url), autocommit=True)
        async with await opened as db:
            while not await self._take(db):
                await asyncio.sleep(self._every_s)
            doing = self.doing = self._make()
            doing.start()
            _log.info("%s is done by this process from now on", self._name)
            try:
                while True:
                    await asyncio.sleep(self._every_s)
                    await asyncio.wait_for(db.execute("select 1"), _ANSWER_S)
            finally:
                self.doing = None
                await doing.stop()

    async def _take(self, db: psycopg.AsyncConnection[Any]) -> bool:
        row = await (await db.execute(_TAKE, (self._lock,))).fetchone()
        return row is not None and bool(row[0])
