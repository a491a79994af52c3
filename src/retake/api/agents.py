"""``/mcp``: the door for agents, MCP over streamable HTTP; the API key is its auth.

Every message stands for itself: no sessions are kept, so a restart of the server loses none. The
tools call this same application as any client does, with the caller's key.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from retake.api.auth import key_of
from retake.api.errors import Refusal
from retake.api.links import API
from retake.api.parts import parts_of

if TYPE_CHECKING:
    # Loaded when the first agent calls: it takes longer than everything else here.
    from mcp.server.mcpserver import Context, MCPServer
    from mcp.server.mcpserver.tools import Tool
    from mcp.server.transport_security import TransportSecuritySettings

    from retake.client import AsyncClient

PATH = "/mcp"
_PATIENCE_S = 3.0
"""How long a tool waits for a server that is stopping, which will not come back to it."""


class Agents:
    """The application that answers at ``/mcp``.

    Args:
        app: What the tools call.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._tools: list[Tool] | None = None
        self._loading = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one message.

        Raises:
            Refusal: It comes from a strange web page, without a key, or is no POST.
        """
        request = Request(scope, receive, send)
        if request.method != "POST":
            raise Refusal(
                "wrong_method",
                f"{request.method[:20]} is not possible on {PATH}; accepted is POST",
                headers={"Allow": "POST"},
            )
        check_origin(request, parts_of(request).base_url)
        await key_of(request)
        server = await self._new_server()
        # No stream of its own, no memory of earlier messages: one manager for each message.
        server.streamable_http_app(stateless_http=True, transport_security=_checked_here())
        async with server.session_manager.run():
            await server.session_manager.handle_request(scope, receive, send)

    async def _new_server(self) -> MCPServer[Any]:
        async with self._loading:
            if self._tools is None:
                self._tools = await asyncio.to_thread(self._make_tools)
        from retake.mcp.server import make_server

        return make_server(self._tools)

    def _make_tools(self) -> list[Tool]:
        from sse_starlette.sse import AppStatus

        from retake.mcp.desk import Desk
        from retake.mcp.server import make_tools

        # What writes their streams would cut all of them when any server of this process is told to
        # stop, tools at work among them; these end by themselves soon enough.
        AppStatus.disable_automatic_graceful_drain()
        AppStatus.should_exit = False
        return make_tools(Desk(self._client, files=False, upload_url=self._upload_url))

    @asynccontextmanager
    async def _client(self, ctx: Context[Any, Any]) -> AsyncGenerator[AsyncClient]:
        from retake.api.inside import Inside
        from retake.client import AsyncClient

        request = _request(ctx)
        async with AsyncClient(
            str(request.base_url).rstrip("/") + API,
            _secret(request),
            patience_s=_PATIENCE_S,
            transport=Inside(self._app, _peer(request)),
        ) as client:
            yield client

    async def _upload_url(self, ctx: Context[Any, Any], file_type: str) -> dict[str, Any]:
        import httpx

        from retake.api.inside import Inside

        request = _request(ctx)
        transport = Inside(self._app, _peer(request))
        async with httpx.AsyncClient(transport=transport, base_url=str(request.base_url)) as http:
            answer = await http.post(
                f"{API}/upload-url",
                json={"file_type": file_type},
                headers={"Authorization": request.headers["authorization"]},
            )
        told: dict[str, Any] = answer.json()
        if answer.is_error:
            raise Refusal(told["code"], told["error"], param=told.get("param"))
        return told


def check_origin(request: Request, base_url: str | None) -> None:
    """Let pass what no strange web page has sent.

    A page of another site that has its name point at this machine (DNS rebinding) is known by both
    headers together: what a browser sends has an ``Origin``, and its ``Host`` is that site's name
    then, neither an address nor ours.

    Raises:
        Refusal: It comes from such a page (403).
    """
    origin = request.headers.get("origin")
    if origin is None:
        return
    host = request.headers.get("host", "")
    ours = None if base_url is None else urlsplit(base_url).netloc
    sender = urlsplit(origin) if origin.startswith(("http://", "https://")) else None
    if sender is None or sender.netloc not in {host, ours} or not (host == ours or _plain(host)):
        raise Refusal(
            "strange_origin",
            f"the Origin {origin[:80]!a} is not this server's; accepted are calls without one, or "
            "from its own address, which RETAKE_BASE_URL names",
        )


def _checked_here() -> TransportSecuritySettings:
    from mcp.server.transport_security import TransportSecuritySettings

    # `check_origin` knows the server's names; theirs would be a list of them.
    return TransportSecuritySettings(enable_dns_rebinding_protection=False)


def _plain(host: str) -> bool:
    """Return whether a Host is this machine's own name, or an address, which none can rebind."""
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost":
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _request(ctx: Context[Any, Any]) -> Request:
    request = ctx.request_context.request
    assert request is not None  # noqa: S101 - this transport always has one
    return Request(request.scope)


def _secret(request: Request) -> str:
    # It was let pass before: it has two words.
    return request.headers["authorization"].split()[1]


def _peer(request: Request) -> tuple[str, int] | None:
    return None if request.client is None else (request.client.host, request.client.port)
