"""A client that asks as fast as it is told, in a process of its own; `benchmarks/api.py` starts it.

    echo '{"url": "http://127.0.0.1:8484", "key": "rt_…", …}' | python benchmarks/load.py

It speaks HTTP/1.1 over kept connections by hand, so that on a machine of two cores most of the
second one is left to the server's threads. One JSON object in, one out; see `Order` and `Told`.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlsplit

PREFIX = "/api/v1/ie/requestqueue/apikey"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_ID = re.compile(rb'"request_id":"([0-9a-f]+)"')
_OF_EVERY = ("create", "status")


@dataclass
class Order:
    """What is wanted: for `seconds`, either so many a second or as many as `connections` carry.

    `create_rate` and `status_rate` are requests a second, by the clock: one that comes late because
    the server is slow is counted from when it was due. Where both are 0, each of `connections`
    sends the next `kind` (create or status) as soon as it is answered. `known` are requests whose
    status may be asked for.
    """

    url: str
    key: str
    seconds: float
    connections: int = 16
    kind: str = "status"
    create_rate: float = 0
    status_rate: float = 0
    known: list[str] = field(default_factory=list[str])


@dataclass
class Told:
    """What came of it: times in milliseconds by kind, answers that were no 2xx, ids, own cost."""

    took_ms: dict[str, list[float]]
    refused: dict[str, int]
    request_ids: list[str]
    seconds: float
    processor_s: float


class Connection(asyncio.Protocol):
    """One kept connection with at most one request under way."""

    def __init__(self, done: Callable[[Connection, int, bytes], None]) -> None:
        self._done = done
        self._got = bytearray()
        self._whole = 0
        self.kind = ""
        self.since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def ask(self, kind: str, request: bytes, since: float) -> None:
        """Send a request that counts from `since`."""
        self.kind, self.since = kind, since
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Take in an answer; call back when it is whole."""
        self._got += data
        if not self._whole:
            head = self._got.find(b"\r\n\r\n")
            if head < 0:
                return
            length = _LENGTH.search(self._got, 0, head + 2)
            assert length is not None, bytes(self._got[:head])
            self._whole = head + 4 + int(length[1])
        if len(self._got) < self._whole:
            return
        answer = bytes(self._got)
        self._got.clear()
        self._whole = 0
        self._done(self, int(answer[9:12]), answer)

    def close(self) -> None:
        """End the connection."""
        self._transport.close()


class Load:
    """Carries out one order."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._url = urlsplit(order.url)
        self._took: dict[str, list[float]] = {kind: [] for kind in _OF_EVERY}
        self._refused: dict[str, int] = {}
        self._ids: list[str] = []
        self._known = list(order.known)
        self._asked = 0
        self._idle: list[Connection] = []
        self._due: list[tuple[str, float]] = []
        self._until = 0.0
        head = f"Host: {self._url.netloc}\r\nAuthorization: Bearer {order.key}\r\n"
        payload = {"video_uri": "https://example.com/video.mp4", "start_time": 3, "duration": 5}
        payload |= {"prompt": "A dramatic explosion with bright orange flames"}
        payload |= {"mode": "replace_audio_and_video"}
        body = json.dumps({"model": "ltx-2-pro-retake", "payload": payload})
        self._create = (
            f"POST {PREFIX}/requests HTTP/1.1\r\n{head}Prefer: respond-async\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        ).encode()
        self._status = (f"GET {PREFIX}/requests/".encode(), f" HTTP/1.1\r\n{head}\r\n".encode())

    async def run(self) -> Told:
        """Ask, and return what came of it."""
        loop = asyncio.get_running_loop()
        connections: list[Connection] = []
        for _ in range(self._order.connections):
            _, one = await loop.create_connection(
                lambda: Connection(self._answered), self._url.hostname, self._url.port
            )
            connections.append(one)
        began, spent = time.perf_counter(), time.process_time()
        self._until = began + self._order.seconds
        rates = {"create": self._order.create_rate, "status": self._order.status_rate}
        if any(rates.values()):
            self._idle = connections.copy()
            await asyncio.gather(*(self._tick(kind, rate) for kind, rate in rates.items() if rate))
        else:
            for one in connections:
                self._ask(one, self._order.kind, time.perf_counter())
            await asyncio.sleep(self._order.seconds)
        seconds = time.perf_counter() - began
        spent = time.process_time() - spent
        # Those that are still under way.
        await asyncio.sleep(0.5)
        for one in connections:
            one.close()
        return Told(self._took, self._refused, self._ids, seconds, spent)

    async def _tick(self, kind: str, rate: float) -> None:
        began = time.perf_counter()
        for n in range(int(rate * self._order.seconds)):
            due = began + n / rate
            wait_s = due - time.perf_counter()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            if self._idle:
                self._ask(self._idle.pop(), kind, due)
            else:
                self._due.append((kind, due))

    def _ask(self, one: Connection, kind: str, since: float) -> None:
        if kind == "create":
            one.ask(kind, self._create, since)
            return
        self._asked += 1
        request_id = self._known[self._asked % len(self._known)]
        one.ask(kind, request_id.encode().join(self._status), since)

    def _answered(self, one: Connection, status: int, answer: bytes) -> None:
        now = time.perf_counter()
        self._took[one.kind].append((now - one.since) * 1000)
        if not 200 <= status < 300:
            self._refused[str(status)] = self._refused.get(str(status), 0) + 1
        elif one.kind == "create" and (found := _ID.search(answer)):
            self._ids.append(found[1].decode())
        if self._due:
            self._ask(one, *self._due.pop(0))
        elif self._order.create_rate or self._order.status_rate:
            self._idle.append(one)
        elif now < self._until:
            self._ask(one, self._order.kind, now)


def main() -> None:
    """Read an order, carry it out, tell."""
    given: dict[str, Any] = json.load(sys.stdin)
    json.dump(asdict(asyncio.run(Load(Order(**given)).run())), sys.stdout)


if __name__ == "__main__":
    main()
