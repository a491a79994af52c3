"""`retake worker`: engines for the requests of a fleet; and, for a server, its engine child."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from retake.cli.exits import exit_for
from retake.core.errors import RetakeError


def worker(
    *,
    database: Annotated[
        str | None,
        typer.Option(help="The servers' database, postgresql://… (RETAKE_DATABASE)."),
    ] = None,
    storage: Annotated[
        str | None,
        typer.Option(help="Bucket of uploads and outputs, s3://… (RETAKE_STORAGE)."),
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option("--data-dir", help="Folder that it works in (RETAKE_DATA_DIR)."),
    ] = None,
    engine: Annotated[
        list[str] | None,
        typer.Option(help="Engine it has; may be repeated. All that can be used here, unless set."),
    ] = None,
    slots: Annotated[
        int | None, typer.Option(help="Requests at once, one child each (RETAKE_SLOTS; 1).")
    ] = None,
    drain_s: Annotated[
        float | None,
        typer.Option(
            "--drain-s", help="How long SIGTERM lets it finish what it has (RETAKE_DRAIN_S; 600)."
        ),
    ] = None,
    child_fd: Annotated[int | None, typer.Option("--child-fd", hidden=True)] = None,
    slot: Annotated[str | None, typer.Option("--slot", hidden=True)] = None,
) -> None:
    """Work on the requests that servers with the same database accept.

    SIGTERM or Ctrl-C lets it finish what it has; a second one ends it at once, and what it had
    goes on elsewhere.
    """
    from retake.bootstrap.parts import settings

    given = {"database": database, "storage": storage, "data_dir": data_dir, "slots": slots}
    try:
        chosen = settings(**given, drain_s=drain_s)
        if child_fd is not None:
            from retake.bootstrap.child import work_until_stopped

            work_until_stopped(chosen, child_fd, slot, engine[0] if engine else None)
        from retake.bootstrap.fleet import work_until_drained

        work_until_drained(chosen, engine or [])
    except RetakeError as error:
        typer.echo(f"retake: {error.message}", err=True)
        raise typer.Exit(exit_for(error)) from error
