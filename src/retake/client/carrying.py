"""Carrying out what flows ask for, with httpx; once blocking, once on an event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from typing import Self

import httpx

from retake.client.effects import Answer, Body, Call, Close, Effect, Emit, Read, Sleep, Work
from retake.client.errors import ConnectionLost, RetakeAPIError

CONNECT_S = 10.0
"""How long connecting may take, in seconds."""
_WRITE_S = 60.0
_PIECE_BYTES = 256 * 1024


class Carrier:
    """Carries the effects of one call out in the calling thread; closes what it left open.

    Args:
        http: The connection pool; it follows no redirects and adds no headers of its own.
    """

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self._open: list[httpx.Response] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for answer in self._open:
            answer.close()

    def do(self, effect: Effect) -> object:
        """Do what `effect` asks for and return what came of it.

        Raises:
            ConnectionLost: The connection could not be made, or broke.
        """
        match effect:
            case Call():
                return self._call(effect)
            case Read(answer):
                return self._read(answer)
            case Close(answer):
                answer.handle[0].close()
                return self._open.remove(answer.handle[0])
            case Sleep(seconds):
                return time.sleep(seconds)
            case Work(call):
                return call()
            case Emit():
                return None

    def _call(self, call: Call) -> Answer:
        try:
            request = self._http.build_request(
                call.method, call.url, headers=dict(call.headers), content=_sent(call)
            )
            request.extensions["timeout"] = _timeouts(call)
            answer = self._http.send(request, stream=True)
            if call.stream:
                self._open.append(answer)
                return _answer(answer, b"", (answer, answer.iter_raw()))
            try:
                content = b"".join(answer.iter_raw())
            finally:
                answer.close()
            return _answer(answer, content, None)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise lost(error, call.url) from error

    def _read(self, answer: Answer) -> bytes | None:
        response, pieces = answer.handle
        try:
            return next(pieces, None)
        except (httpx.HTTPError, httpx.StreamError) as error:
            response.close()
            raise lost(error, str(response.url)) from error


class AsyncCarrier:
    """Carries the effects of one call out on the event loop; what may block goes to a thread.

    Args:
        http: The connection pool; it follows no redirects and adds no headers of its own.
    """

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._open: list[httpx.Response] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for answer in self._open:
            await answer.aclose()

    async def do(self, effect: Effect) -> object:
        """Do what `effect` asks for and return what came of it.

        Raises:
            ConnectionLost: The connection could not be made, or broke.
        """
        match effect:
            case Call():
                return await self._call(effect)
            case Read(answer):
                return await self._read(answer)
            case Close(answer):
                await answer.handle[0].aclose()
                return self._open.remove(answer.handle[0])
            case Sleep(seconds):
                return await asyncio.sleep(seconds)
            case Work(call):
                return await asyncio.to_thread(call)
            case Emit():
                return None

    async def _call(self, call: Call) -> Answer:
        try:
            request = self._http.build_request(
                call.method, call.url, headers=dict(call.headers), content=_async_sent(call)
            )
            request.extensions["timeout"] = _timeouts(call)
            answer = await self._http.send(request, stream=True)
            if call.stream:
                self._open.append(answer)
                return _answer(answer, b"", (answer, answer.aiter_raw()))
            try:
                content = b"".join([piece async for piece in answer.aiter_raw()])
            finally:
                await answer.aclose()
            return _answer(answer, content, None)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise lost(error, call.url) from error

    async def _read(self, answer: Answer) -> bytes | None:
        response, pieces = answer.handle
        try:
            return await anext(pieces, None)
        except (httpx.HTTPError, httpx.StreamError) as error:
            await response.aclose()
            raise lost(error, str(response.url)) from error


def lost(error: Exception, url: str) -> RetakeAPIError:
    """Return what an error of httpx means to the caller."""
    host = httpx.URL(url).host if isinstance(error, httpx.TransportError) else url[:80]
    said = str(error) or type(error).__name__
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
        return RetakeAPIError("bad_url", f"{url[:80]!r} is no address: {said}")
    never_sent = httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout
    if isinstance(error, never_sent):
        gone = ConnectionLost("unreachable", f"{host} cannot be reached: {said}", retryable=True)
        gone.sent = False
        return gone
    return ConnectionLost(
        "connection_lost", f"the connection to {host} broke: {said}", retryable=True
    )


def _timeouts(call: Call) -> dict[str, float]:
    return {"connect": CONNECT_S, "read": call.read_s, "write": _WRITE_S, "pool": CONNECT_S}


def _answer(response: httpx.Response, content: bytes, handle: object) -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status_code, headers, content, handle)


def _sent(call: Call) -> bytes | Iterator[bytes] | None:
    return _pieces(call.content) if isinstance(call.content, Body) else call.content


def _async_sent(call: Call) -> bytes | AsyncIterator[bytes] | None:
    return _async_pieces(call.content) if isinstance(call.content, Body) else call.content


def _pieces(body: Body) -> Iterator[bytes]:
    done = 0
    with closing(body.open()) as file:
        while piece := file.read(_PIECE_BYTES):
            yield piece
            done += len(piece)
            if body.sent is not None:
                body.sent(done)


async def _async_pieces(body: Body) -> AsyncIterator[bytes]:
    done = 0
    file = await asyncio.to_thread(body.open)
    try:
        while piece := await asyncio.to_thread(file.read, _PIECE_BYTES):
            yield piece
            done += len(piece)
            if body.sent is not None:
                body.sent(done)
    finally:
        file.close()
