"""A `Database` on a PostgreSQL server: one connection writes, a few read, off the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from retake.core.errors import StorageFailed
from retake.queue.database.port import Dialect, Work
from retake.queue.database.postgres.commit import commit
from retake.queue.database.postgres.link import Link, Outage, Patience, shared
from retake.queue.database.writer import Writer, end_process

T = TypeVar("T")

_READERS = 4


class PostgresDatabase:
    """One database of a PostgreSQL server. Connections are made when they are needed.

    Args:
        url: Where it is, as libpq takes it: ``postgresql://user:password@host/name``.
        readers: How many reads run at once.
        patience: How long a lost connection is tried to be made again.
        on_fatal: See `Writer`.
    """

    dialect: Dialect = Dialect.POSTGRESQL

    def __init__(
        self,
        url: str,
        *,
        readers: int = _READERS,
        patience: Patience | None = None,
        on_fatal: Callable[[], None] = end_process,
    ) -> None:
        self.url = url
        self._patience = patience or Patience()
        self._outage = Outage()
        self._closed = False
        self._mine = threading.local()
        self._links: list[Link] = []
        self._pool = ThreadPoolExecutor(readers, thread_name_prefix="requests-reader")
        link = self._new_link()
        self._writer = Writer(partial(commit, link), link.close, on_fatal=on_fatal)
        self.write = self._writer.write
        self.write_now = self._writer.write_now

    async def read(self, function: Work[T]) -> T:
        """Run `function` on a connection that reads, off the event loop."""
        if self._closed:
            raise StorageFailed("stopping", "the server is stopping", retryable=True)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self.read_now, function)

    def read_now(self, function: Work[T]) -> T:
        """Run `function` on the calling thread's own connection."""
        link: Link | None = getattr(self._mine, "link", None)
        if link is None:
            link = self._mine.link = self._new_link()
        return link.run(lambda connection: function(shared(connection)))

    def close(self) -> None:
        """Write what waits, then close every connection."""
        self._closed = True
        self._pool.shutdown()
        self._writer.close()
        for link in self._links:
            link.close()

    def _new_link(self) -> Link:
        link = Link(self.url, self._outage, self._patience)
        self._links.append(link)
        return link
