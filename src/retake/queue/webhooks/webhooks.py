"""The two sides of webhooks: who is to be told, and what."""

from __future__ import annotations

from collections.abc import Callable

from retake.queue.database import Database
from retake.queue.webhooks.endpoints import Endpoints
from retake.queue.webhooks.outbox import Outbox


class Webhooks:
    """Webhooks in the requests' database.

    Args:
        database: Holds them.
        now: Gives Unix time in seconds.

    Attributes:
        endpoints: The webhooks that keys have.
        outbox: The messages to them, and to the webhooks that requests brought along.
    """

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self.endpoints = Endpoints(database, now)
        self.outbox = Outbox(database, now)

    def changed(self) -> None:
        """Take note that a request has changed."""
        self.outbox.on_change()
