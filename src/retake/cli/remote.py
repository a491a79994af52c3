"""The commands for a server: submit, status, watch, list, cancel, download."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from retake.cli.exits import Exit
from retake.cli.remote_exits import exit_for_remote
from retake.cli.remote_show import RemoteShow
from retake.core.errors import RetakeError

if TYPE_CHECKING:
    from retake.client import Client, Request

UrlOption = Annotated[
    str | None, typer.Option("--url", help="The server (RETAKE_URL; http://127.0.0.1:8484).")
]
KeyOption = Annotated[str | None, typer.Option("--key", help="The API key there (RETAKE_KEY).")]
JsonOption = Annotated[bool, typer.Option("--json", help="Say everything as JSON.")]
OutOption = Annotated[
    Path | None, typer.Option("--out", "-o", help="Where the new video goes once it is done.")
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace a file that exists.")]
IdArgument = Annotated[str, typer.Argument(help="A request's id.")]


@contextmanager
def server(
    url: str | None, key: str | None, *, as_json: bool
) -> Generator[tuple[Client, RemoteShow]]:
    """Yield a client and what shows its work; errors end the process with their exit code."""
    show = RemoteShow(as_json=as_json)
    try:
        from retake.client import Client

        with Client(url, key) as client:
            yield client, show
    except RetakeError as error:
        show.failed(error)
        raise typer.Exit(exit_for_remote(error)) from error
    except KeyboardInterrupt as interrupt:
        show.close()
        for note in getattr(interrupt, "__notes__", ()):
            typer.echo(f"retake: {note}", err=True)
        raise typer.Exit(Exit.CANCELLED) from interrupt
    finally:
        show.close()


def status(
    request_id: IdArgument,
    *,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show how a request at a server stands."""
    with server(url, key, as_json=as_json) as (client, show):
        show.record(client.get(request_id))


def watch(
    request_id: IdArgument,
    *,
    out: OutOption = None,
    force: ForceOption = False,
    cancel_on_interrupt: Annotated[
        bool, typer.Option(help="Cancel the request on Ctrl-C instead of leaving it to go on.")
    ] = False,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Follow a request at a server to its end; a restart of the server is waited for."""
    with server(url, key, as_json=as_json) as (client, show):
        follow(client, show, lambda: request_id, out, force, cancel_on_interrupt)


def follow(
    client: Client,
    show: RemoteShow,
    request: Callable[[], str],
    out: Path | None,
    force: bool,  # noqa: FBT001 - as the commands have it
    cancel_on_interrupt: bool,  # noqa: FBT001
) -> Request:
    """Follow a request to its end, download its videos if wanted, and show it.

    Where it made several takes, each is saved under its number: ``out.1.mp4``, ``out.2.mp4``.
    """
    if out is not None:
        from retake.client.part import check_output

        check_output(out, overwrite=force)
    done = client.wait(request(), progress=show.progress, cancel_on_interrupt=cancel_on_interrupt)
    saved = {} if out is None else _places(done, out)
    for take, place in saved.items():
        client.download(done, place, take=take, overwrite=force, progress=show.progress)
    show.close()
    show.record(done)
    for place in saved.values():
        show.say(f"saved as {place}", event="saved", path=str(place))
    return done


def _places(done: Request, out: Path) -> dict[int | None, Path]:
    """Return where the video of each take goes; of the only one where there are not several."""
    takes = done.outcome.takes if done.outcome else ()
    if not takes:
        return {None: out}
    return {take: out.with_name(f"{out.stem}.{take}{out.suffix}") for take in takes}


def list_requests(
    *,
    model: Annotated[str | None, typer.Option(help="Only requests of this model.")] = None,
    status: Annotated[
        str | None, typer.Option(help="Only those that are queued, processing, success, …")
    ] = None,
    most: Annotated[int, typer.Option("--limit", min=1, help="At most so many.")] = 20,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the key's requests at a server, newest first."""
    with server(url, key, as_json=as_json) as (client, show):
        page_size = min(most, 100)
        found = client.list(model=model, status=status, page_size=page_size)
        show.records(list(islice(found, most)))


def cancel(
    request_id: IdArgument,
    *,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Cancel a request at a server; one that has ended stays as it is."""
    with server(url, key, as_json=as_json) as (client, show):
        show.record(client.cancel(request_id))


def download(
    request_id: IdArgument,
    *,
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the file goes.")],
    role: Annotated[
        str, typer.Option(help="Which file: video, thumbnail, sheet or report.")
    ] = "video",
    take: Annotated[
        int | None, typer.Option(min=1, help="Which take's, where there are several.")
    ] = None,
    force: ForceOption = False,
    url: UrlOption = None,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Download a file of a request, whole or not at all."""
    with server(url, key, as_json=as_json) as (client, show):
        file = client.download(
            request_id, out, role=role, take=take, overwrite=force, progress=show.progress
        )
        show.close()
        show.say(
            f"saved as {out}, {file.size} bytes",
            event="saved",
            path=str(out),
            size=file.size,
            sha256=file.sha256,
        )
