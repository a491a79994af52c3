"""Where the tools get their server from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from mcp.server.mcpserver import Context

from retake.client import AsyncClient


@dataclass(frozen=True, slots=True)
class Desk:
    """What the tools work with.

    Attributes:
        client: Opens a client of the server for one call of a tool, with the caller's key.
        files: Whether the caller's files are this machine's: then paths are read and written. A
            server that others call must not read its own files for them.
        upload_url: Asks for a URL to PUT a video to, for those whose files are elsewhere.
    """

    client: Callable[[Context[Any, Any]], AbstractAsyncContextManager[AsyncClient]]
    files: bool
    upload_url: Callable[[Context[Any, Any], str], Awaitable[dict[str, Any]]] | None = None
