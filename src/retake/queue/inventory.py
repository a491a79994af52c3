"""Every request with the files that it has, page by page: for who compares them with a storage."""

from __future__ import annotations

import json
from dataclasses import dataclass

from retake.core.request import Status
from retake.queue.database.port import Connection

_PAGE = """
select seq, request_id, status, files_removed_at, outcome from requests
where seq > :after order by seq limit :limit
"""


@dataclass(frozen=True, slots=True)
class Filed:
    """A request and its files.

    Attributes:
        seq: Where it stands among all requests.
        request_id: Its id.
        ended: Whether it has ended.
        files: The stored names that its record gives out; none where they were removed.
    """

    seq: int
    request_id: str
    ended: bool
    files: frozenset[str]


def page_of_files(db: Connection, after: int, limit: int = 1000) -> list[Filed]:
    """Return the next requests behind `after`, which is 0 at first."""
    rows = db.execute(_PAGE, {"after": after, "limit": limit}).fetchall()
    return [_filed(*row) for row in rows]


def _filed(
    seq: int, request_id: str, status: str, removed_at: int | None, outcome: str | None
) -> Filed:
    if removed_at is not None or status != Status.SUCCESS or outcome is None:
        return Filed(seq, request_id, Status(status).terminal, frozenset())
    told = json.loads(outcome)
    files = {*told.get("files", {}).values()}
    for take in told.get("takes", []):
        files |= {*take.get("files", {}).values()}
    return Filed(seq, request_id, ended=True, files=frozenset(files))
