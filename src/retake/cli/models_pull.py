"""A pull on a terminal: the licence, the question, the bar."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

if TYPE_CHECKING:
    from retake.engines.ltx.weights.catalogue import Model
    from retake.engines.ltx.weights.hub import Repository
    from retake.engines.ltx.weights.library import Held, Library


def pull_shown(
    library: Library,
    name: str,
    revision: str | None,
    *,
    accepted: bool,
    quiet: bool,
) -> Held:
    """Pull weights, showing the licence first where it was not accepted yet, then how it goes.

    Raises:
        BadRequest: There is no such name, or the licence was not accepted.
        FetchFailed: They cannot be had.
        StorageFailed: They cannot be kept.
    """
    from retake.engines.ltx.weights.catalogue import find_model
    from retake.engines.ltx.weights.hub import look_up
    from retake.engines.ltx.weights.pull import Pulling, pull

    # The client warns of each connection that it picks up again.
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    model = find_model(name)
    repository = look_up(model, revision)
    licence = _licence(library, model, repository, accepted=accepted)
    with _bar(f"Pulling {model.name}", 0, quiet=quiet) as (bar, task):

        def total(size: int) -> None:
            bar.update(task, total=size)

        def came(count: int) -> None:
            bar.update(task, advance=count)

        return pull(library, model, repository, licence, Pulling(total, came))


@contextmanager
def reading(what: str, total: int, *, quiet: bool) -> Generator[Callable[[int], None]]:
    """Show a bar for bytes that are read."""
    with _bar(what, total, quiet=quiet) as (bar, task):
        yield lambda count: bar.update(task, advance=count)


def _licence(
    library: Library,
    model: Model,
    repository: Repository,
    *,
    accepted: bool,
) -> dict[str, Any]:
    from retake.engines.ltx.weights import licence
    from retake.engines.ltx.weights.pull import licence_text, workplace

    text = licence_text(model, repository, workplace(library, model))
    known = licence.accepted(library.models_dir, model.licence, text)
    if known is not None:
        return known
    if not accepted:
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise licence.not_accepted(model)
        _show(model, text)
        if not typer.confirm(f"Do you accept the {model.licence.name}?", default=False):
            raise licence.not_accepted(model)
    return licence.accept(library.models_dir, model.licence, text)


def _show(model: Model, text: str | None) -> None:
    console = Console(highlight=False)
    if text:
        console.print(text, markup=False)
    console.print(f"\n{model.name} stands under the {model.licence.name} of {model.licence.date}:")
    console.print(model.licence.text_url, markup=False)
    console.print(
        "In short, and not in its place: a paid licence from a yearly revenue of 10 million US "
        "dollars on; what is generated has to be disclosed as such; some uses are forbidden."
    )


@contextmanager
def _bar(what: str, total: int, *, quiet: bool) -> Generator[tuple[Progress, Any]]:
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=36, complete_style="dark_orange", finished_style="green"),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=quiet,
    )
    with bar:
        yield bar, bar.add_task(what, total=total or None)
