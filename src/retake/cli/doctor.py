"""`retake doctor`: the settings in force, and whether this machine has what retake needs."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from retake.cli.doctor_storage import shown_storage, storage_lines
from retake.cli.exits import exit_for
from retake.core.errors import RetakeError

if TYPE_CHECKING:
    from rich.console import Console

    from retake.settings import Settings

if TYPE_CHECKING:
    from retake.settings import Settings

LOW_DISK_BYTES = 5 * 1024**3
"""A 21 s 4K request works on a few gigabytes."""


def doctor(
    *,
    fix: Annotated[
        bool, typer.Option("--fix", help="Remove stored files that belong to no request.")
    ] = False,
) -> None:
    """Print every setting with its value, then check this machine; exit code 1 if a check fails."""
    from rich.console import Console
    from rich.table import Table

    from retake.bootstrap.parts import settings

    try:
        chosen = settings()
    except RetakeError as error:
        typer.echo(f"retake: {error.message}", err=True)
        raise typer.Exit(exit_for(error)) from error
    console = Console(highlight=False)
    table = Table("setting", "value", "what it does", box=None, padding=(0, 2, 0, 0))
    for name, field in type(chosen).model_fields.items():
        table.add_row(f"RETAKE_{name.upper()}", _shown(chosen, name), field.description)
    console.print(table)
    console.print()
    healthy = True
    checks = (*_checks(chosen.data_dir), _database(chosen), *_webhooks(chosen))
    checks = (*checks, *storage_lines(chosen, fix=fix))
    for good, what in checks:
        console.print(f"[green]ok[/]   {what}" if good else f"[red]fail[/] {what}")
        healthy &= good
    _tell_of_engines(console, chosen)
    raise typer.Exit(0 if healthy else 1)


def _shown(chosen: Settings, name: str) -> str:
    """Return a setting's value, without what may be a secret."""
    if name == "storage" and chosen.storage is not None:
        return shown_storage(chosen.storage)
    return str(getattr(chosen, name))


def _tell_of_engines(console: Console, chosen: Settings) -> None:
    """Say what answers where no engine is named, and what ltx has and lacks; no part of health."""
    from retake.bootstrap.parts import default_choice
    from retake.cli.doctor_ltx import ltx_lines, plugin_lines

    choice = default_choice()
    console.print(f"\nThe engine is {choice.engine}: {choice.why}", soft_wrap=True)
    for line in plugin_lines():
        console.print(line, soft_wrap=True)
    console.print("\nThe engine ltx:")
    for good, what in ltx_lines(chosen):
        console.print(
            f"[green]ok[/]   {what}" if good else f"[yellow]need[/] {what}", soft_wrap=True
        )


def _checks(data_dir: Path) -> Iterator[tuple[bool, str]]:
    yield sys.version_info >= (3, 11), f"Python {sys.version.split()[0]} (3.11 or later)"
    yield _codecs()
    standing = next(path for path in (data_dir, *data_dir.parents) if path.exists())
    yield os.access(standing, os.W_OK), f"data folder {data_dir} can be written"
    free = shutil.disk_usage(standing).free
    yield free > LOW_DISK_BYTES, f"{free / 1024**3:.0f} GiB free there (5 GiB are enough)"
    yield True, f"{os.cpu_count()} processors"


def _database(chosen: Settings) -> tuple[bool, str]:
    from retake.bootstrap.database import standing

    try:
        found = standing(chosen)
    except RetakeError as error:
        return False, f"database: {error.message}"
    return found.fits, f"database {found}"


def _webhooks(chosen: Settings) -> Iterator[tuple[bool, str]]:
    from retake.bootstrap.database import standing
    from retake.bootstrap.notify import webhooks_at, webhooks_in
    from retake.queue.database.address import postgres_url

    # What is wrong with the database was told already.
    with suppress(RetakeError):
        url = postgres_url(chosen.database.get_secret_value())
        if url is not None and not standing(chosen).is_known:
            return
        found = webhooks_in(chosen.data_dir) if url is None else webhooks_at(url)
        if found is not None:
            yield True, found


def _codecs() -> tuple[bool, str]:
    from retake.media.codecs import NEEDED, missing_codecs

    missing = missing_codecs()
    state = f"lacks {', '.join(missing)}" if missing else f"has {', '.join(NEEDED)}"
    return not missing, f"PyAV {version('av')} {state}"
