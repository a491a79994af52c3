"""Reading server-sent events as a client does, on a thread of its own."""

from __future__ import annotations

import json
import queue
import threading
import time
from dataclasses import dataclass
from typing import Any

import httpx

from tests.api.live import API, Live


@dataclass(frozen=True)
class Event:
    name: str
    data: dict[str, Any]
    number: int | None
    """The last id that the client had got by then."""


class Stream:
    """An open stream; `events` is what came so far, `comments` counts the heartbeats."""

    def __init__(self, server: Live, path: str, last: int | None = None, key: str = "") -> None:
        headers = {"Authorization": f"Bearer {key or server.key}"}
        if last is not None:
            headers["Last-Event-ID"] = str(last)
        self._client = httpx.Client(base_url=server.url, timeout=20, verify=False)
        request = self._client.build_request("GET", f"{API}{path}", headers=headers)
        self.answer = self._client.send(request, stream=True)
        self.events: list[Event] = []
        self.comments = 0
        self.last_id: int | None = last
        self._new: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.hang_up()

    def hang_up(self) -> None:
        # The reading thread holds the connection: closing the socket wakes it.
        if stream := self.answer.extensions.get("network_stream"):
            sock = stream.get_extra_info("socket")
            if sock is not None and sock.fileno() >= 0:
                sock.shutdown(2)
        self._thread.join(10)
        self._client.close()

    def next(self, name: str | None = None) -> Event:
        """Wait for the next event, or the next of that name."""
        until = time.monotonic() + 10
        while (event := self._new.get(timeout=until - time.monotonic())) is not None:
            if name in {None, event.name}:
                return event
        raise AssertionError(f"the stream ended; there were {[e.name for e in self.events]}")

    def rest(self) -> list[Event]:
        """Wait for the stream's end; return all its events."""
        self._thread.join(10)
        assert not self._thread.is_alive()
        return self.events

    def _read(self) -> None:
        name, data = "message", ""
        try:
            for line in self.answer.iter_lines():
                field, _, value = line.partition(": ")
                if line == "" and data:
                    event = Event(name, json.loads(data), self.last_id)
                    self.events.append(event)
                    self._new.put(event)
                    name, data = "message", ""
                elif line.startswith(":"):
                    self.comments += 1
                elif field == "id":
                    self.last_id = int(value)
                elif field == "event":
                    name = value
                elif field == "data":
                    data = value
        except (httpx.HTTPError, httpx.StreamError, OSError):
            pass
        finally:
            self._new.put(None)
            self.answer.close()
