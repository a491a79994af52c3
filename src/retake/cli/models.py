"""`retake models`: the weights of the engine ltx, fetched, checked and removed."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from retake.cli.exits import Exit, exit_for
from retake.core.errors import RetakeError

if TYPE_CHECKING:
    from retake.engines.ltx.weights.library import Held

app = typer.Typer(help="Fetch, check and remove the weights of the engine ltx.")

DirOption = Annotated[
    Path | None, typer.Option("--models-dir", help="Folder of the weights (RETAKE_MODELS_DIR).")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]
NameArgument = Annotated[str, typer.Argument(help="As `retake models list` shows it.")]


@contextmanager
def _told(as_json: bool) -> Generator[None]:  # noqa: FBT001 - the option's value
    try:
        yield
    except RetakeError as error:
        if as_json:
            typer.echo(json.dumps({"error": error.to_dict()}))
        typer.echo(f"retake: {error.message}", err=True)
        raise typer.Exit(exit_for(error)) from error
    except KeyboardInterrupt as error:
        typer.echo("retake: stopped; what came is kept, the same command goes on there", err=True)
        raise typer.Exit(Exit.CANCELLED) from error


@app.command("list")
def list_models(*, models_dir: DirOption = None, as_json: JsonOption = False) -> None:
    """Show the weights that can be pulled and those that are here."""
    from retake.bootstrap.models import library
    from retake.cli.models_show import listing, table
    from retake.engines.ltx.weights.loras import Loras

    with _told(as_json):
        found = library(models_dir)
        rows, loras = listing(found), Loras(found.models_dir).names()
        if as_json:
            told = {"models_dir": str(found.models_dir), "models": rows, "loras": list(loras)}
            _print_json(told)
        else:
            table(rows, loras, found.models_dir)


@app.command()
def pull(
    name: NameArgument,
    *,
    accept_license: Annotated[
        bool, typer.Option("--accept-license", help="You read the licence and accept it.")
    ] = False,
    revision: Annotated[str | None, typer.Option(help="A commit, tag or branch.")] = None,
    models_dir: DirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch weights, or what is lacking of them; goes on where an earlier pull stopped.

    Their licence is shown and has to be accepted once. A token for weights that have to be asked
    for is taken from HF_TOKEN or from `hf auth login`.
    """
    from retake.bootstrap.models import library
    from retake.cli.models_pull import pull_shown

    with _told(as_json):
        held = pull_shown(
            library(models_dir), name, revision, accepted=accept_license, quiet=as_json
        )
        if as_json:
            _print_json(_held(held))
        else:
            typer.echo(f"{held.name} is in {held.folder}")


@app.command()
def verify(
    name: NameArgument, *, models_dir: DirOption = None, as_json: JsonOption = False
) -> None:
    """Read all of the weights and hold them against the checksums of the pull.

    Exit code 6 when something differs, with the files by name.
    """
    from retake.bootstrap.models import library
    from retake.cli.models_pull import reading
    from retake.engines.ltx.weights.verify import recorded_files
    from retake.engines.ltx.weights.verify import verify as verify_held

    with _told(as_json):
        held = library(models_dir).find(name)
        total = sum(size for size, _ in recorded_files(held).values())
        with reading(f"Reading {name}", total, quiet=as_json) as read:
            verdict = verify_held(held, read)
    if as_json:
        faults = [{"path": fault.path, "what": fault.what} for fault in verdict.faults]
        told = {"name": name, "good": not faults, "faults": faults, "recorded": verdict.recorded}
        _print_json({**told, "files": verdict.files, "bytes": verdict.bytes})
    else:
        for fault in verdict.faults:
            typer.echo(f"{fault}", err=True)
        typer.echo(_verdict_text(name, verdict.files, verdict.bytes, bool(verdict.faults)))
    if verdict.faults:
        raise typer.Exit(Exit.DIFFERENT)


@app.command()
def add(
    path: Annotated[Path, typer.Argument(help="A folder of weights, or a LoRA's .safetensors.")],
    *,
    name: Annotated[str | None, typer.Option(help="What to call it; its own name.")] = None,
    models_dir: DirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Use weights that lie on this machine already; a folder stays where it is.

    Good for folders brought to a machine without a network, and for those in the hub's own cache.
    A LoRA's file is copied; requests name it in the option loras.
    """
    from retake.bootstrap.models import library
    from retake.engines.ltx.weights.loras import ENDING, Loras

    with _told(as_json):
        found = library(models_dir)
        if path.suffix == ENDING:
            place = Loras(found.models_dir).add(path.expanduser(), name)
            told = {"name": place.stem, "folder": str(place.parent)}
        else:
            told = _held(found.add(path, name))
        if as_json:
            _print_json(told)
        else:
            typer.echo(f"{told['name']} is in {told['folder']}")


@app.command()
def remove(
    name: NameArgument,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    models_dir: DirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove weights or a LoRA; of an added folder only the note that it is there."""
    from retake.bootstrap.models import library
    from retake.engines.ltx.weights.loras import Loras

    if not yes and not as_json and sys.stdin.isatty():
        typer.confirm(f"Remove {name}?", abort=True)
    with _told(as_json):
        found = library(models_dir)
        freed = Loras(found.models_dir).remove(name)
        freed = found.remove(name) if freed is None else freed
    if as_json:
        _print_json({"name": name, "freed_bytes": freed})
    else:
        typer.echo(f"removed {name}; {freed / 1e9:.1f} GB are free again")


def _held(held: Held) -> dict[str, Any]:
    from retake.cli.models_show import held_json

    return held_json(held)


def _verdict_text(name: str, files: int, size: int, bad: bool) -> str:  # noqa: FBT001
    if bad:
        return f"{name} is damaged; `retake models pull {name}` fetches what is not right"
    if not files:
        return f"{name} is whole as far as lengths tell; no checksums were recorded for it"
    return f"{name} is as it was pulled: {files} files, {size / 1e9:.1f} GB"


def _print_json(value: dict[str, Any]) -> None:
    typer.echo(json.dumps(value, indent=1))
