"""The `retake` command."""

from __future__ import annotations

from typing import Any

import typer

from retake import __version__
from retake.cli import (
    db,
    doctor,
    edit,
    keys,
    mcp,
    models,
    remote,
    remote_submit,
    serve,
    verify,
    worker,
)
from retake.cli.readers import outlive_readers


class _App(typer.Typer):
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        outlive_readers()
        return super().__call__(*args, **kwargs)


app = _App(
    name="retake",
    help="Re-shoot a few seconds of a video and keep everything else bit for bit.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _version(value: bool) -> None:  # noqa: FBT001 - the signature that typer calls
    if value:
        typer.echo(f"retake {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: bool = typer.Option(  # noqa: FBT001 - typer makes it an option
        False,  # noqa: FBT003
        "--version",
        help="Print the version and exit.",
        callback=_version,
        is_eager=True,
    ),
) -> None:
    """Hold the options that come before a command."""
    del version


app.command("edit")(edit.edit)
app.command("verify")(verify.verify)
app.command("serve")(serve.serve)
app.command("submit")(remote_submit.submit)
app.command("status")(remote.status)
app.command("watch")(remote.watch)
app.command("list")(remote.list_requests)
app.command("cancel")(remote.cancel)
app.command("download")(remote.download)
app.command("mcp")(mcp.mcp)
app.command("doctor")(doctor.doctor)
app.command("worker")(worker.worker)
app.add_typer(keys.app, name="keys")
app.add_typer(db.app, name="db")
app.add_typer(models.app, name="models")

if __name__ == "__main__":
    app()
