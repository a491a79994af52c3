"""The tools on standard input and output, for an agent on this machine."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
from mcp.server.mcpserver import Context

from retake.client import AsyncClient
from retake.mcp.desk import Desk
from retake.mcp.server import make_server, make_tools

Address = Callable[[], tuple[str | None, str | None]]
"""Returns a server's URL and key, None where the environment has it. It may block, and raise a
RetakeError."""


def serve_agents(address: Address) -> None:
    """Serve until the input ends; the tools use the server at `address`."""

    @asynccontextmanager
    async def client(_ctx: Context[Any, Any]) -> AsyncGenerator[AsyncClient]:
        # Asked with each call: the server may still be starting, and a tool can tell if it did not.
        url, key = await anyio.to_thread.run_sync(address)
        async with AsyncClient(url, key) as opened:
            yield opened

    server = make_server(make_tools(Desk(client, files=True)))
    anyio.run(server.run_stdio_async)
