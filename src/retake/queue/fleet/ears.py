"""Hearing what PostgreSQL tells (LISTEN), over a connection of its own that is kept up.

What is told while nobody listens is gone. So whoever hears is told of each connection, too, and
looks for itself at all that may have happened before.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import sql

from retake.queue.database.postgres.link import conninfo_of

_log = logging.getLogger(__name__)

_LOOK_S = 5.0
_BACK_OFF_S = (0.1, 0.2, 0.5, 1.0, 2.0)


class Ears:
    """Listens on channels for as long as it is started.

    Args:
        url: The database.
        channels: What is called with what is told on each channel; on the event loop.
        again: Called whenever listening has begun, the first time included.
    """

    def __init__(
        self,
        url: str,
        channels: Mapping[str, Callable[[str], None]],
        again: Callable[[], None],
    ) -> None:
        self._url = url
        self._channels = channels
        self._again = again
        self._since: float | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def since(self) -> float | None:
        """Since when it has listened without a break, on the loop's clock; None while it cannot."""
        return self._since

    def start(self) -> None:
        """Begin to listen; returns at once."""
        self._task = asyncio.create_task(self._listen_always(), name="ears")

    async def stop(self) -> None:
        """Listen no more."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _listen_always(self) -> None:
        failures = 0
        while True:
            try:
                await self._listen()
            except (psycopg.Error, OSError, TimeoutError) as error:
                if self._since is not None:
                    failures = 0
                    _log.warning("the database is not heard: %s", str(error).partition("\n")[0])
                self._since = None
                await asyncio.sleep(_BACK_OFF_S[min(failures, len(_BACK_OFF_S) - 1)])
                failures += 1

    async def _listen(self) -> None:
        connection = await psycopg.AsyncConnection[Any].connect(
            conninfo_of(self._url), autocommit=True
        )
        try:
            for channel in self._channels:
                name = sql.Identifier(channel)
                await connection.execute(sql.SQL("listen {}").format(name))
            self._since = asyncio.get_running_loop().time()
            self._again()
            while True:
                async for told in connection.notifies(timeout=_LOOK_S):
                    self._channels[told.channel](told.payload)
                # A silent network may hide that nobody is there any more.
                await asyncio.wait_for(connection.execute("select 1"), _LOOK_S)
        finally:
            # Not `close`, which would say good-bye to a database that may not be there.
            with suppress(psycopg.Error, OSError):
                await connection.close()
