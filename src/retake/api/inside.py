"""The application as a server for clients in its own process: no socket, the same answers.

httpx's own transport for ASGI waits for the whole body before it answers; a stream of events would
only be heard of when it is over.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import httpx
from starlette.types import ASGIApp, Message


class Inside(httpx.AsyncBaseTransport):
    """Carries a client's requests into an application, and its answers back as they come.

    Args:
        app: What answers.
        peer: Where the client's own caller is, told to `app` as the client's address.
    """

    def __init__(self, app: ASGIApp, peer: tuple[str, int] | None = None) -> None:
        self._app = app
        self._peer = peer

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the answer to a request, its body still to come."""
        within_s = request.extensions.get("timeout", {}).get("read")
        call = _Call(await request.aread(), within_s)
        call.begin(self._app, self._scope(request))
        try:
            start = await call.told()
        except BaseException:
            await call.aclose()
            raise
        return httpx.Response(start["status"], headers=start["headers"], stream=call)

    def _scope(self, request: httpx.Request) -> dict[str, Any]:
        url = request.url
        path, _, query = url.raw_path.partition(b"?")
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": url.scheme,
            "path": url.path,
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "client": self._peer,
            "server": (url.host, url.port),
        }


class _Call(httpx.AsyncByteStream):
    """One request within the application, running in a task of its own until it is closed."""

    def __init__(self, body: bytes, within_s: float | None) -> None:
        self._body: bytes | None = body
        self._within_s = within_s
        self._messages: asyncio.Queue[Message] = asyncio.Queue(maxsize=16)
        self._gone = asyncio.Event()

    def begin(self, app: ASGIApp, scope: dict[str, Any]) -> None:
        self._work = asyncio.create_task(self._answer(app, scope))

    async def told(self) -> Message:
        """Return the next message; raises what the application raised instead of one."""
        try:
            async with asyncio.timeout(self._within_s):
                message = await self._messages.get()
        except TimeoutError:
            raise httpx.ReadTimeout("nothing came in time") from None
        if message["type"] == "retake.ended":
            await self._work
            raise httpx.RemoteProtocolError("the answer ended early")
        return message

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        more = True
        while more:
            message = await self.told()
            more = message.get("more_body", False)
            if body := message.get("body", b""):
                yield body

    async def aclose(self) -> None:
        self._gone.set()
        self._work.cancel()
        await asyncio.wait([self._work])

    async def _answer(self, app: ASGIApp, scope: dict[str, Any]) -> None:
        try:
            await app(scope, self._receive, self._messages.put)
        finally:
            if not self._gone.is_set():
                await self._messages.put({"type": "retake.ended"})

    async def _receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}
