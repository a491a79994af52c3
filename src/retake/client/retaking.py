"""All in one: upload, submit, follow, download."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from retake.client.downloading import download
from retake.client.effects import Flow, Work
from retake.client.ended import succeeded
from retake.client.files import Result
from retake.client.following import follow
from retake.client.part import check_output
from retake.client.results import Progress
from retake.client.server import Server
from retake.client.submitting import payload_for, submit
from retake.client.uploading import Source, is_url, upload

Tell = Callable[[Progress], object]
"""Told how things stand; it must return quickly. Uploading and downloading may tell it from
another thread."""


def retake(
    server: Server,
    source: Source,
    *,
    start: Any,
    duration: Any,
    more: Mapping[str, Any],
    model: str,
    output: Path | None,
    overwrite: bool,
    timeout_s: float | None,
    cancel_on_interrupt: bool,
    idempotency_key: str | None,
    tell: Tell | None,
) -> Flow[Result]:
    """Re-shoot a section of a video and return the new video; see `Client.retake`."""
    payload = payload_for("", start, duration, more)
    if output is not None:
        # Told before anything is uploaded, or paid.
        yield Work(lambda: check_output(output, overwrite=overwrite))
    url = yield from video_uri(server, source, tell)
    request = yield from submit(
        server, {**payload, "video_uri": url}, model=model, idempotency_key=idempotency_key
    )
    if not request.ended:
        request = yield from follow(
            server, request.id, timeout_s=timeout_s, cancel_on_interrupt=cancel_on_interrupt
        )
    request = succeeded(request)
    got = None if tell is None else bytes_told(tell, "downloading", request.id)
    file = yield from download(server, request, output=output, overwrite=overwrite, got=got)
    return Result(request, file)


def video_uri(server: Server, source: Source, tell: Tell | None = None) -> Flow[str]:
    """Return the URL of a source that the server can use; what is here is uploaded."""
    if is_url(source):
        return str(source)
    sent = None if tell is None else bytes_told(tell, "uploading", "")
    return (yield from upload(server, source, sent=sent)).url


def bytes_told(tell: Tell, status: str, request_id: str) -> Callable[[int, int], None]:
    """Return what turns counts of bytes into `Progress`."""

    def told(done: int, total: int) -> None:
        tell(Progress(request_id, status, status, done, total))

    return told
