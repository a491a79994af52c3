"""`retake serve`: the API, the page and one supervised engine child, in one command."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

from retake.cli.exits import exit_for
from retake.core.errors import RetakeError


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on (RETAKE_HOST; 127.0.0.1).")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on (RETAKE_PORT; 8484).")] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option("--data-dir", help="Folder of everything it keeps (RETAKE_DATA_DIR)."),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(help="Database of many machines, postgresql://… (RETAKE_DATABASE; sqlite)."),
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option(help="Bucket of uploads and outputs, s3://… (RETAKE_STORAGE; the folder)."),
    ] = None,
    slots: Annotated[
        int | None,
        typer.Option(
            help="With --database: how many requests it works on itself (RETAKE_SLOTS; 0)."
        ),
    ] = None,
    until_input_ends: Annotated[bool, typer.Option("--until-input-ends", hidden=True)] = False,  # noqa: FBT002 - typer makes it a flag
) -> None:
    """Serve the API and the page on this machine.

    The first start makes an API key and prints it once. Every setting is also an environment
    variable; `retake doctor` prints them all.
    """
    from retake.bootstrap.ltx import check_default
    from retake.bootstrap.parts import settings
    from retake.bootstrap.server import serve_until_stopped

    if until_input_ends:
        threading.Thread(target=_stop_when_input_ends, daemon=True).start()
    try:
        where = {"data_dir": data_dir, "database": database, "storage": storage, "slots": slots}
        chosen = settings(host=host, port=port, **where)
        check_default(chosen)
        serve_until_stopped(chosen, _welcome)
    except RetakeError as error:
        typer.echo(f"retake: {error.message}", err=True)
        raise typer.Exit(exit_for(error)) from error


def _stop_when_input_ends() -> None:
    """Stop when the process that started this one is gone, however it went."""
    while os.read(0, 65536):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _welcome(base: str, new_key: str | None) -> None:
    from retake.bootstrap.parts import told_engine
    from retake.cli.welcome import first_start, where

    typer.echo(where(base))
    engine = told_engine()
    if engine is not None:
        typer.echo(engine)
    if new_key is not None:
        typer.echo(first_start(base, new_key))
