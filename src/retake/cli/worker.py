"""`retake worker`: the engine child of a server; started by the server, not by people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def worker(
    *,
    child_fd: Annotated[int, typer.Option("--child-fd", help="Socket to the server.")],
    data_dir: Annotated[Path, typer.Option("--data-dir", help="The server's data folder.")],
    storage: Annotated[str | None, typer.Option(help="Bucket of uploads and outputs.")] = None,
) -> None:
    """Run the engine child of a server: it takes requests from the socket until that closes."""
    from retake.bootstrap.child import work_until_stopped
    from retake.bootstrap.parts import settings

    work_until_stopped(settings(data_dir=data_dir, storage=storage), child_fd)
