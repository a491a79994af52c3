"""`retake mcp`: the tools for agents on standard input and output, and their server."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from retake.cli.exits import exit_for
from retake.core.errors import RetakeError


def mcp(
    url: Annotated[
        str | None, typer.Option(help="The server that does the work (RETAKE_URL).")
    ] = None,
    key: Annotated[str | None, typer.Option(help="Its API key (RETAKE_KEY).")] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option("--data-dir", help="Without a server: the folder of one of its own."),
    ] = None,
) -> None:
    """Serve agents on standard input and output by the Model Context Protocol.

    The work is done by the server that --url, or RETAKE_URL, names; without one, by a server of its
    own that ends with it and that nobody else reaches.
    """
    from retake.cli.own_server import OwnServer
    from retake.mcp.stdio import serve_agents

    url, key = url or os.environ.get("RETAKE_URL"), key or os.environ.get("RETAKE_KEY")
    try:
        if url is not None or key is not None:
            serve_agents(lambda: (url, key))
            return
        with OwnServer(data_dir) as own:
            serve_agents(own.address)
    except RetakeError as error:
        typer.echo(f"retake: {error.message}", err=True)
        raise typer.Exit(exit_for(error)) from error
