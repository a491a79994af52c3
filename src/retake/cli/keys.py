"""`retake keys`: who may use this machine's server. Works while the server runs."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from retake.cli.exits import exit_for
from retake.core.errors import RetakeError

if TYPE_CHECKING:
    from retake.queue.keys import Keys

app = typer.Typer(help="Create, list and revoke API keys. Works while the server runs.")

DataDirOption = Annotated[
    Path | None, typer.Option("--data-dir", help="The server's data folder (RETAKE_DATA_DIR).")
]


DatabaseOption = Annotated[
    str | None,
    typer.Option("--database", help="The server's database, postgresql://… (RETAKE_DATABASE)."),
]


@contextmanager
def _keys(data_dir: Path | None, database: str | None) -> Generator[Keys]:
    from retake.bootstrap.parts import settings
    from retake.bootstrap.server import open_keys

    try:
        keys = open_keys(settings(data_dir=data_dir, database=database))
        try:
            yield keys
        finally:
            keys.close()
    except RetakeError as error:
        typer.echo(f"retake: {error.message}", err=True)
        raise typer.Exit(exit_for(error)) from error


@app.command()
def create(
    name: Annotated[str, typer.Option(help="Whom it is for.")] = "default",
    data_dir: DataDirOption = None,
    database: DatabaseOption = None,
) -> None:
    """Make a key and print it, alone, on stdout. It is shown this once: only its hash is kept."""
    with _keys(data_dir, database) as keys:
        typer.echo(keys.create(name))


@app.command("list")
def list_keys(data_dir: DataDirOption = None, database: DatabaseOption = None) -> None:
    """List all keys, by their beginnings."""
    with _keys(data_dir, database) as keys:
        for info in keys.list():
            made = datetime.fromtimestamp(info.created_at, UTC)
            state = "active" if info.revoked_at is None else "revoked"
            typer.echo(
                f"{info.key_id}  {info.shown}…  {made:%Y-%m-%d %H:%M} UTC  {state:<7}  {info.name}"
            )


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(help="A key's id or beginning, as listed, or the key.")],
    data_dir: DataDirOption = None,
    database: DatabaseOption = None,
) -> None:
    """Revoke a key: it stops working at once."""
    with _keys(data_dir, database) as keys:
        info = keys.revoke(key.removesuffix("…"))
        typer.echo(f"revoked {info.shown}… ({info.name})")
