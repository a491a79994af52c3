"""The MCP server: which tools there are, under which names, and what they may do."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from typing import Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.tools import Tool
from mcp_types import ToolAnnotations

from retake import __version__
from retake.mcp.desk import Desk
from retake.mcp.tools import Tools

_INSTRUCTIONS = (
    "retake re-shoots a few seconds of a video and keeps everything else bit for bit. Call effects "
    "to learn what the engine can do, probe to look into a video, then submit, then wait (again "
    "and again while the status is queued or processing). Times are seconds from the start."
)
_LOOKS = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
_MAKES = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=True)
_STOPS = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True)


def make_tools(desk: Desk) -> list[Tool]:
    """Return the tools that work with `desk`; making them takes a while."""
    tools = Tools(desk)
    from_here = "\n\nvideo may also be the path of a file on this machine." if desk.files else ""
    made = [
        _tool(tools.probe, "Look into a video", _LOOKS, from_here),
        _tool(tools.effects, "What the engine can do", _LOOKS),
        _tool(tools.submit, "Re-shoot a section", _MAKES, from_here),
        _tool(tools.status, "How a request stands", _LOOKS),
        _tool(tools.wait, "Wait for a request", _LOOKS),
        _tool(tools.cancel, "Cancel a request", _STOPS),
        _tool(tools.list_requests, "List requests", _LOOKS, name="list"),
    ]
    if desk.files:
        made.append(_tool(tools.save, "Save a result here", _MAKES))
    if desk.upload_url is not None:
        made.append(_tool(tools.upload_url, "Upload a video", _MAKES))
    return made


def make_server(tools: list[Tool]) -> MCPServer[Any]:
    """Return a server of these tools; making one takes no time."""
    return MCPServer(
        "retake",
        title="retake",
        version=__version__,
        instructions=_INSTRUCTIONS,
        tools=tools,
        log_level="WARNING",
        subscriptions=False,
    )


def _tool(
    function: Callable[..., Coroutine[Any, Any, Any]],
    title: str,
    may: ToolAnnotations,
    more: str = "",
    name: str | None = None,
) -> Tool:
    about = inspect.cleandoc(function.__doc__ or "") + more
    return Tool.from_function(function, name, title, about, annotations=may)
