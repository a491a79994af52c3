"""HTTP/1.1 on one connection: uvicorn's protocol, made strict with clients that mean no good.

llhttp, which parses, refuses what is not HTTP; what it would take in without end is bounded here:
how long and how slow a head may be, and how much may follow it as trailers.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from retake.api.corked import Corked
from retake.api.errors import PROBLEM, Refusal, error_body, status_of

MAX_HEAD_BYTES = 64 * 1024
"""How long a head may be, trailers included."""
_SENDS_ON_S = 10.0
"""How long a body may go on to come that was refused already."""


class Wire(HttpToolsProtocol):
    """HTTP/1.1 that answers what is not HTTP as JSON, and waits for a head only so long."""

    head_s = 30.0
    """How long a connection may stay open without a complete head, in seconds."""
    _patience: asyncio.TimerHandle | None = None
    _in_head = True
    _between = False
    _came_bytes = 0
    _head_bytes = 0

    @property
    def _answering(self) -> bool:
        # There is no cycle before the first request, whatever its type says.
        return bool(self.cycle) and not self.cycle.response_complete

    @property
    def _unheard(self) -> bool:
        """Whether the request was answered before it was there as a whole."""
        return bool(self.cycle) and self.cycle.response_complete and self.cycle.more_body

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin to wait for the first head."""
        self._corked = Corked(transport, self.loop)
        super().connection_made(self._corked)
        self._be_patient()

    def data_received(self, data: bytes) -> None:
        """Take in what came; a head that is still not complete has no more time than before."""
        if self._between and not self._answering:
            self._between, self._in_head, self._came_bytes = False, True, 0
        if self._in_head:
            # Of a line that does not end, `on_header` hears nothing.
            self._came_bytes += len(data)
        super().data_received(data)
        if not self._in_head:
            if not self._unheard:
                self._stop_waiting()
        elif self._came_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("")
        elif self._patience is None:
            self._be_patient()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_waiting()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Begin to read a head."""
        if self._between:
            # Before it in the same piece another request has ended.
            self._came_bytes = 0
        self._in_head, self._between, self._head_bytes = True, False, 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Take in a piece of the request's target."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take in a header; or a trailer, which nobody asks for."""
        self._count(len(name) + len(value))
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Answer, now that the head is there."""
        super().on_headers_complete()
        self._in_head = False

    def on_message_complete(self) -> None:
        """Take note that the next byte belongs to another request."""
        self._between = True
        self._stop_waiting()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Let who was answered early, with a no, send on for a moment, and hear it."""
        if self.cycle.more_body:
            # Closing at once would reset the connection, and take the answer back.
            self._stop_waiting()
            self._patience = self.loop.call_later(_SENDS_ON_S, self.transport.close)
        self._corked.flush()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer 400 and close the connection."""
        del msg
        self._refuse(Refusal("bad_http", "that is not valid HTTP/1.1"))

    def _count(self, more: int) -> None:
        self._head_bytes += more
        if self._head_bytes > MAX_HEAD_BYTES:
            # The parser passes it on as a request that is not HTTP.
            raise ValueError("the head is too long")

    def _be_patient(self) -> None:
        self._patience = self.loop.call_later(self.head_s, self._lose_patience)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _lose_patience(self) -> None:
        self._patience = None
        if not self.transport.is_closing():
            message = f"no complete head came within {self.head_s:g} s"
            self._refuse(Refusal("slow_client", message, retryable=True))

    def _refuse(self, refusal: Refusal) -> None:
        if not self._answering or not self.cycle.response_started:
            self.transport.write(b"".join(_answer(refusal)))
        # Else an answer is on its way, which a second one would garble.
        if self._answering:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()


def _answer(refusal: Refusal) -> Iterator[bytes]:
    body = json.dumps(error_body(refusal)).encode()
    yield STATUS_LINE[status_of(refusal)]
    yield f"content-type: {PROBLEM}\r\ncontent-length: {len(body)}\r\n".encode()
    yield b"connection: close\r\n\r\n"
    yield body
