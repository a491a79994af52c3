"""`retake db`: the version of the server's database, and bringing it to this program's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import typer

from retake.cli.exits import exit_for
from retake.cli.keys import DatabaseOption, DataDirOption
from retake.core.errors import RetakeError

if TYPE_CHECKING:
    from retake.settings import Settings

T = TypeVar("T")

app = typer.Typer(help="The server's database: which version it has, and upgrading it.")


def _do(work: Callable[[Settings], T], data_dir: Path | None, database: str | None) -> T:
    from retake.bootstrap.parts import settings

    try:
        return work(settings(data_dir=data_dir, database=database))
    except RetakeError as error:
        typer.echo(f"retake: {error.message}", err=True)
        raise typer.Exit(exit_for(error)) from error


@app.command()
def status(data_dir: DataDirOption = None, database: DatabaseOption = None) -> None:
    """Tell the database's version; exit code 1 when a server could not be started on it."""
    from retake.bootstrap.database import standing

    found = _do(standing, data_dir, database)
    typer.echo(str(found))
    if found.found == 0:
        typer.echo("it is empty; `retake serve` or `retake db upgrade` makes its tables")
    elif found.found < found.known and not found.upgrades_itself:
        typer.echo("run `retake db upgrade` once, then start the servers with this program")
    elif found.found > found.known:
        typer.echo("a later program upgraded it; install that one, or a later one")
    raise typer.Exit(0 if found.fits else 1)


@app.command()
def upgrade(data_dir: DataDirOption = None, database: DatabaseOption = None) -> None:
    """Bring the database to this program's version, forward only; nothing is done when it is.

    Servers and workers of the version before go on meanwhile on PostgreSQL; two upgrades at once
    wait for each other. A server's own SQLite is upgraded by its start, too.
    """
    from retake.bootstrap.database import upgrade_database

    before = _do(upgrade_database, data_dir, database)
    if before.found == before.known:
        typer.echo(f"{before.where} has version {before.known} already")
    else:
        typer.echo(f"{before.where} went from version {before.found} to {before.known}")


@app.command()
def copy(data_dir: DataDirOption = None, database: DatabaseOption = None) -> None:
    """Copy requests, keys and webhooks of a stopped server's data folder into PostgreSQL.

    The database has to be empty; the folder stays as it is. Files are not copied.
    """
    from retake.bootstrap.database import copy_database

    for table, count in _do(copy_database, data_dir, database).items():
        typer.echo(f"{count:>10}  {table}")
