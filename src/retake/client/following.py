"""Following a request to its end: by its stream of events, else by asking again and again.

A connection that breaks, or a server that is being restarted, is waited for.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from retake.client.asking import error_of, pause_s, retry_after, send
from retake.client.effects import INTERRUPTS, Answer, Call, Close, Emit, Flow, Read, Sleep
from retake.client.errors import ConnectionLost, RetakeAPIError, Timeout
from retake.client.looking import cancel, get
from retake.client.results import Progress, Request
from retake.client.server import Server
from retake.client.sse import Event, EventReader

SILENCE_S = 45.0
"""A stream of events that is silent for so long is dead: heartbeats come every 15 s."""
_MUTE_STREAMS = 2
"""After so many streams that said nothing at all, a proxy keeps them back: it is asked instead."""
_POLL_S, _SLOWEST_POLL_S = 1.0, 5.0
_NO_EVENTS = frozenset({404, 405, 406, 501})
_AGAIN = frozenset({408, 429, 500, 502, 503, 504})


def follow(
    server: Server,
    request_id: str,
    *,
    timeout_s: float | None = None,
    cancel_on_interrupt: bool = False,
) -> Flow[Request]:
    """Emit a request's progress until it has ended; return its last record, whatever its end.

    Args:
        server: Who has it.
        request_id: Which one.
        timeout_s: How long to wait, in seconds; None is for ever.
        cancel_on_interrupt: Cancel it when the caller is interrupted, instead of leaving it be.

    Raises:
        Timeout: It has not ended within `timeout_s`.
        ConnectionLost: The server could not be reached for `server.patience_s`.
    """
    try:
        return (yield from _Following(server, request_id, timeout_s).run())
    except INTERRUPTS as interrupt:
        if cancel_on_interrupt:
            yield from cancel(server, request_id)
            interrupt.add_note(f"request {request_id} was cancelled")
        else:
            interrupt.add_note(
                f"request {request_id} goes on; wait({request_id!r}) follows it again, "
                f"cancel({request_id!r}) stops it"
            )
        raise


def to_the_last(server: Server, request_id: str, timeout_s: float | None) -> Flow[None]:
    """Emit a request's progress until it has ended, that end too."""
    record = yield from follow(server, request_id, timeout_s=timeout_s)
    yield Emit(Progress.parse(record.raw))


class _Following:
    def __init__(self, server: Server, request_id: str, timeout_s: float | None) -> None:
        self._server = server
        self._id = request_id
        self._until = None if timeout_s is None else time.monotonic() + timeout_s
        self._timeout_s = timeout_s
        self._told: Progress | None = None
        self._heard = time.monotonic()
        self._losses = 0
        self._mute = 0

    def run(self) -> Flow[Request]:
        if self._server.learnt.events is not False:
            ended = yield from self._by_events()
            if ended is not None:
                return ended
        return (yield from self._by_asking())

    def _by_events(self) -> Flow[Request | None]:
        """Return the record once it has ended; None where the server has no events."""
        reader = EventReader()
        while True:
            try:
                answer = yield from self._open(reader)
                if answer is None:
                    return None
                if answer.status == 204:
                    return (yield from get(self._server, self._id))
                ended = yield from self._read(answer, reader)
                if ended is not None:
                    return ended
                # The server ended the stream before the request: it is being stopped.
                lost = ConnectionLost("connection_lost", "the stream of events ended early")
                yield from self._pause(lost, reader.retry_s)
            except ConnectionLost as error:
                yield from self._pause(error, reader.retry_s)
            if self._mute >= _MUTE_STREAMS:
                self._server.learnt.events = False
                return None
            reader.broken()

    def _open(self, reader: EventReader) -> Flow[Answer | None]:
        url = self._server.url(f"/requests/{self._id}/events")
        headers = {**self._server.headers(url), "Accept": "text/event-stream"}
        if reader.last_id:
            headers["Last-Event-ID"] = reader.last_id
        call = Call("GET", url, headers, read_s=self._most_s(SILENCE_S), stream=True)
        answer: Answer = yield call
        kind = answer.headers.get("content-type", "")
        if answer.status == 204 or (answer.status == 200 and kind.startswith("text/event-stream")):
            self._server.learnt.events = True
            return answer
        body = yield from _all_of(answer)
        if answer.status in _AGAIN:
            raise _as_loss(body)
        error = error_of(body)
        if (answer.status in _NO_EVENTS or answer.status < 300) and (
            error.code != "unknown_request"
        ):
            self._server.learnt.events = False
            return None
        raise error

    def _read(self, answer: Answer, reader: EventReader) -> Flow[Request | None]:
        self._mute += 1
        while (chunk := (yield Read(answer))) is not None:
            self._heard, self._losses, self._mute = time.monotonic(), 0, 0
            for event in _events(reader, chunk):
                record = Request.parse(event.data)
                if record.id != self._id:
                    continue
                if record.ended:
                    yield Close(answer)
                    whole = "payload" in event.data
                    return record if whole else (yield from get(self._server, self._id))
                yield from self._tell(Progress.parse(event.data))
            self._most_s(SILENCE_S)
        yield Close(answer)
        return None

    def _by_asking(self) -> Flow[Request]:
        pause = _POLL_S
        while True:
            try:
                record = yield from self._ask()
            except ConnectionLost as error:
                yield from self._pause(error, pause)
                continue
            self._heard, self._losses = time.monotonic(), 0
            if record.ended:
                return record
            if (yield from self._tell(Progress.parse(record.raw))):
                pause = _POLL_S
            yield Sleep(self._most_s(pause))
            pause = min(pause * 1.5, _SLOWEST_POLL_S)

    def _ask(self) -> Flow[Request]:
        url = self._server.url(f"/requests/{self._id}")
        call = Call("GET", url, self._server.headers(url), read_s=self._most_s(30.0))
        answer = yield from send(self._server, call, safe=True)
        if answer.status in _AGAIN:
            raise _as_loss(answer)
        if answer.status >= 300:
            raise error_of(answer)
        return Request.parse(answer.json())

    def _tell(self, progress: Progress) -> Flow[bool]:
        """Emit what is news; return whether it was."""
        if progress == self._told:
            return False
        self._told = progress
        yield Emit(progress)
        return True

    def _pause(self, error: ConnectionLost, least_s: float) -> Flow[None]:
        """Wait before the next attempt to reach the server; give up when that is hopeless."""
        if time.monotonic() - self._heard > self._server.patience_s:
            error.request_id = self._id
            error.add_note(f"request {self._id} goes on at the server")
            raise error
        wait_s = least_s if self._losses == 0 else max(pause_s(self._losses), least_s)
        self._losses += 1
        yield Sleep(self._most_s(wait_s))

    def _most_s(self, seconds: float) -> float:
        """Return `seconds`, or fewer where the caller's time is over before that."""
        if self._until is None:
            return seconds
        left = self._until - time.monotonic()
        if left <= 0:
            raise Timeout(
                "timed_out",
                f"request {self._id} has not ended within {self._timeout_s:g} s; it goes on",
                retryable=True,
                request_id=self._id,
            )
        return min(seconds, left)


def _events(reader: EventReader, chunk: bytes) -> Iterator[Event]:
    try:
        yield from reader.feed(chunk)
    except ValueError as error:
        raise RetakeAPIError("bad_events", str(error)) from error


def _all_of(answer: Answer) -> Flow[Answer]:
    content = b""
    while len(content) < 65536 and (chunk := (yield Read(answer))) is not None:
        content += chunk
    yield Close(answer)
    return Answer(answer.status, answer.headers, content)


def _as_loss(answer: Answer) -> ConnectionLost:
    error = error_of(answer)
    lost = ConnectionLost(error.code, error.message, status=error.status, retryable=True)
    wait_s = retry_after(answer)
    if wait_s:
        lost.add_note(f"the server asks to be left alone for {wait_s:g} s")
    return lost
