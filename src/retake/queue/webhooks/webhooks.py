"""The two sides of webhooks: who is to be told, and what."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from retake.queue.webhooks.endpoints import Endpoints
from retake.queue.webhooks.outbox import Outbox
from retake.queue.writer import Writer


class Webhooks:
    """Webhooks in the requests' file.

    Args:
        writer: Writes to the file.
        reader: Reads from it, on the event loop's thread.
        now: Gives Unix time in seconds.

    Attributes:
        endpoints: The webhooks that keys have.
        outbox: The messages to them, and to the webhooks that requests brought along.
    """

    def __init__(
        self, writer: Writer, reader: sqlite3.Connection, now: Callable[[], float]
    ) -> None:
        self.endpoints = Endpoints(writer, reader, now)
        self.outbox = Outbox(writer, reader, now)

    def changed(self) -> None:
        """Take note that a request has changed."""
        self.outbox.on_change()
