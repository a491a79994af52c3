"""What an API process knows of all requests that have not ended, without asking each time.

It is read from the database, a few names at a time as these are told, and as a whole whenever
telling begins anew. Positions and progress, which every look at a request shows, come from here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from retake.core.request import Status
from retake.queue.database import Connection
from retake.queue.progress import Progress, stage_named
from retake.queue.turns import Turns
from retake.queue.unfinished import Unfinished

_COLUMNS = """
select requests.request_id, requests.key_id, requests.seq, requests.status, requests.priority,
    requests.stage, claims.stage as first_stage, claims.claimed_at, claims.done, claims.total
from requests left join claims on claims.request_id = requests.request_id
"""
_UNENDED = f"{_COLUMNS} where requests.status in ('queued', 'processing') order by requests.seq"
_TURNS = "select key_id from turns order by turn"


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as the database has it.

    Attributes:
        request_id: Which.
        key_id: Whose.
        ended: Whether it has ended.
        processing: Whether somebody works on it, or is to go on with it.
        stage: The stage that it has reached.
    """

    request_id: str
    key_id: str
    ended: bool
    processing: bool = False
    stage: str | None = None


def read_all(db: Connection) -> tuple[list[Any], list[str]]:
    """Return the rows of all requests that have not ended, and the keys in order of their turns."""
    keys = [row[0] for row in db.execute(_TURNS).fetchall()]
    return db.execute(_UNENDED).fetchall(), keys


def read_some(db: Connection, request_ids: Collection[str]) -> list[Any]:
    """Return the rows of these requests."""
    names = {f"id_{n}": request_id for n, request_id in enumerate(request_ids)}
    which = ", ".join(f":{name}" for name in names)
    return db.execute(f"{_COLUMNS} where requests.request_id in ({which})", names).fetchall()


class Mirror:
    """The requests that have not ended, as they were when they were last read.

    Args:
        unfinished: Counts them.
    """

    def __init__(self, unfinished: Unfinished) -> None:
        self._unfinished = unfinished
        self._turns = Turns()
        self._processing: set[str] = set()
        self._progress: dict[str, Progress] = {}

    @property
    def processing(self) -> int:
        """How many are worked on."""
        return len(self._processing)

    def add(self, place: int, key_id: str, request_id: str, priority: int) -> None:
        """Note a request that waits; nothing happens where it is known."""
        if self._unfinished.key_of(request_id) is None:
            self._unfinished.hold(request_id, key_id)
        if request_id not in self._turns and request_id not in self._processing:
            self._turns.add(place, key_id, request_id, priority)

    def position(self, request_id: str) -> int | None:
        """Return how many requests start before this one; None where that is not known."""
        return self._turns.ahead(request_id) if request_id in self._turns else None

    def progress(self, request_id: str) -> Progress | None:
        """Return how far a request is; None where that is not known."""
        return self._progress.get(request_id)

    def learn(self, rows: Iterable[Any], ago: float) -> list[Seen]:
        """Take over what was read; returns what it was.

        Args:
            rows: As `read_some` gave them.
            ago: The monotonic clock less Unix time, in seconds.
        """
        return [self._learn(row, ago) for row in rows]

    def learn_all(self, rows: Iterable[Any], keys: Iterable[str], ago: float) -> list[Seen]:
        """Take over what was read of all; returns that, and what is not there any more."""
        known = {request_id: self._unfinished.key_of(request_id) for request_id in self._names()}
        self._turns = Turns(keys)
        self._processing.clear()
        self._progress.clear()
        seen = self.learn(rows, ago)
        gone = known.keys() - {each.request_id for each in seen}
        for request_id in gone:
            self._forget(request_id)
        return seen + [Seen(name, known[name] or "", ended=True) for name in sorted(gone)]

    def _names(self) -> list[str]:
        return [*self._unfinished]

    def _learn(self, row: Any, ago: float) -> Seen:
        request_id, key_id, status = row["request_id"], row["key_id"], Status(row["status"])
        if status.terminal:
            self._forget(request_id)
        elif status is Status.QUEUED:
            self.add(row["seq"], key_id, request_id, row["priority"])
        else:
            if self._unfinished.key_of(request_id) is None:
                self._unfinished.hold(request_id, key_id)
            if request_id in self._turns:
                self._turns.served(request_id)
            self._processing.add(request_id)
            self._note_progress(row, ago)
        processing = status is Status.PROCESSING
        return Seen(request_id, key_id, status.terminal, processing, row["stage"])

    def _note_progress(self, row: Any, ago: float) -> None:
        if row["claimed_at"] is None:
            # Between two workers.
            self._progress.pop(row["request_id"], None)
            return
        first = stage_named(row["first_stage"])
        began = Progress.begin(first, row["claimed_at"] + ago)
        stage = stage_named(row["stage"])
        now = began if stage is None else began.at(stage, row["done"], row["total"])
        self._progress[row["request_id"]] = now

    def _forget(self, request_id: str) -> None:
        self._turns.remove(request_id)
        self._processing.discard(request_id)
        self._progress.pop(request_id, None)
        self._unfinished.leave(request_id)
