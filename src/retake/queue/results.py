"""The files of requests that have ended well: which there are, which are needed, which may go.

That files are removed is written down before they are: whoever looks at the request is told so
from then on, and what a kill leaves behind is removed by the next start.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from retake.core.request import Status
from retake.queue.database import Database
from retake.queue.rows import loads

RESULTS = """
alter table requests add column puts text;
alter table requests add column files_removed_at integer;
create index requests_with_files on requests (finished_at)
    where status = 'success' and files_removed_at is null;
create trigger requests_forget_puts after update of status on requests
    when new.puts is not null and new.status in ('success', 'failed', 'cancelled')
    begin update requests set puts = null where seq = new.seq; end;
"""
"""`puts` holds the URLs that results are sent to: secrets, which nobody needs after the end."""

_NEEDED = """
select 1 from requests
where status in ('queued', 'processing')
    and (source_ref = :ref or (source_ref >= :below and source_ref < :end))
limit 1
"""
_HELD = "select status, files_removed_at, outcome from requests where request_id = :request_id"
_DUE = """
select request_id from requests
where status = 'success' and files_removed_at is null and finished_at < :before
order by finished_at limit :limit
"""
_REMOVE = """
update requests set files_removed_at = :now
where request_id = :request_id and status = 'success' and files_removed_at is null
"""


@dataclass(frozen=True, slots=True)
class Held:
    """What is known of a request's files without looking at them.

    Attributes:
        status: How the request stands.
        removed: Whether they were removed.
        title: What the source is called; None where nothing is known.
    """

    status: Status
    removed: bool
    title: str | None

    @property
    def orphaned(self) -> bool:
        """Whether files that are there have nobody who may still ask for them."""
        return self.removed or (self.status.terminal and self.status is not Status.SUCCESS)


class Results:
    """The results of all requests; reads are for the event loop.

    Args:
        database: Holds the requests.
        now: Gives Unix time in seconds.
    """

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    async def needed(self, name: str) -> bool:
        """Return whether a request that has not ended needs a stored file, or one in a folder."""
        # Every text that begins with "…/" lies before "…0", the character behind the slash.
        values = {"ref": f"upload:{name}", "below": f"upload:{name}/", "end": f"upload:{name}0"}
        found = await self._database.read(lambda db: db.execute(_NEEDED, values).fetchone())
        return found is not None

    async def held(self, request_id: str) -> Held | None:
        """Return what is known of a request's files, whosever it is; None without such a one."""
        values = {"request_id": request_id}
        row = await self._database.read(lambda db: db.execute(_HELD, values).fetchone())
        if row is None:
            return None
        outcome = {} if row[2] is None else loads(row[2])
        return Held(Status(row[0]), row[1] is not None, outcome.get("title"))

    async def due(self, before: int, limit: int = 100) -> list[str]:
        """Return requests that ended well before a moment (Unix time) and still have files."""
        values = {"before": before, "limit": limit}
        rows = await self._database.read(lambda db: db.execute(_DUE, values).fetchall())
        return [row[0] for row in rows]

    async def remove(self, request_id: str) -> None:
        """Write down that a request's files are removed; nothing happens where they were before.

        Raises:
            StorageFailed: The disk is full (``disk_full``), or the server is stopping.
        """
        values = {"request_id": request_id, "now": int(self._now())}
        await self._database.write(lambda db: db.execute(_REMOVE, values).rowcount)
