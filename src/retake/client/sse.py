"""Reading server-sent events as their bytes come (HTML Living Standard, section 9.2.6)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MOST_BYTES = 4 * 1024 * 1024
"""A line, or an event, that is longer is no event of this API."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its name and its data, a JSON object; `data` is empty when it is none."""

    name: str
    data: dict[str, Any]


class EventReader:
    """Takes bytes in, gives events out; remembers where to go on after a break.

    Attributes:
        last_id: What to send as ``Last-Event-ID``; None before the first id.
        retry_s: How long the server wants a client to wait before it comes back, in seconds.
    """

    def __init__(self) -> None:
        self.last_id: str | None = None
        self.retry_s = 2.0
        self._rest = b""
        self._name = ""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """Yield the events that are complete now.

        Raises:
            ValueError: This is no stream of events: it goes on and on without one.
        """
        self._rest += chunk
        if len(self._rest) + sum(map(len, self._data)) > MOST_BYTES:
            raise ValueError("an event of the stream does not end")
        *lines, self._rest = self._rest.replace(b"\r\n", b"\n").split(b"\n")
        for line in lines:
            event = self._line(line.decode("utf-8", "replace"))
            if event is not None:
                yield event

    def broken(self) -> None:
        """Forget what had begun: the connection broke, and the next one starts afresh."""
        self._rest, self._name, self._data = b"", "", []

    def _line(self, line: str) -> Event | None:
        if not line:
            return self._dispatch()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "event":
                self._name = value
            case "data":
                self._data.append(value)
            case "id" if "\0" not in value:
                self.last_id = value
            case "retry" if value.isascii() and value.isdecimal():
                self.retry_s = min(int(value[:9]) / 1000, 60.0)
            case _:
                pass
        return None

    def _dispatch(self) -> Event | None:
        name, data = self._name or "message", "\n".join(self._data)
        self._name, self._data = "", []
        if not data:
            return None
        try:
            value = json.loads(data)
        except ValueError:
            value = {}
        return Event(name, value if isinstance(value, dict) else {})
