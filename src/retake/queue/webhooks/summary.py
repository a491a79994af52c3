"""How webhooks stand, for an operator; may be asked while the server runs."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from retake.queue.database import Connection

_COUNTS = """
select (select count(*) from webhooks),
    (select count(*) from webhooks where disabled is not null),
    (select count(*) from webhooks where disabled is null and failing_since is not null),
    (select count(*) from deliveries where next_at is not null)
"""


@dataclass(frozen=True, slots=True)
class Summary:
    """How many webhooks there are, are disabled, fail; how many messages wait."""

    webhooks: int
    disabled: int
    failing: int
    waiting: int

    def __str__(self) -> str:
        """Return it as one line."""
        return (
            f"webhooks: {self.webhooks}, of them disabled: {self.disabled}, failing: "
            f"{self.failing}; messages waiting to be delivered: {self.waiting}"
        )


def summary_of(db: Connection) -> Summary:
    """Return how webhooks stand in a database."""
    return Summary(*db.execute(_COUNTS).fetchone())


def summary(path: Path) -> Summary | None:
    """Return how webhooks stand in the requests' file; None where there is none yet.

    Nothing is written, not even when the connection is closed.
    """
    # Without a WAL nobody writes; a reader of the usual kind would leave an empty one behind, which
    # may belong to another user than the server's.
    how = "mode=ro" if path.with_name(f"{path.name}-wal").exists() else "mode=ro&immutable=1"
    try:
        db = sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True)
    except sqlite3.OperationalError:
        return None
    try:
        return Summary(*db.execute(_COUNTS).fetchone())
    except sqlite3.DatabaseError:
        # A file from before there were webhooks: the server brings it up when it starts.
        return None
    finally:
        db.close()
