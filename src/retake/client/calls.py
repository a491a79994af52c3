"""What can be asked of a server, as flows: the one text of both clients' methods."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from retake.client import downloading, following, looking, retaking, submitting, uploading
from retake.client.effects import Emits, Flow, telling
from retake.client.files import File, Result, Upload
from retake.client.reading import Raw
from retake.client.results import Progress, Request
from retake.client.retaking import Tell
from retake.client.server import DEFAULT_MODEL, Server
from retake.client.submitting import Seconds
from retake.client.uploading import Source


class Calls:
    """The calls of one server. `Client` and `AsyncClient` have the same methods, carried out."""

    def __init__(self, server: Server) -> None:
        self._server = server

    @property
    def base_url(self) -> str:
        """The API's URL."""
        return self._server.base

    def retake(
        self,
        source: Source,
        *,
        start: Seconds | None = None,
        duration: Seconds | None = None,
        prompt: str | None = None,
        mode: str | None = None,
        seed: int | None = None,
        output: str | Path | None = None,
        overwrite: bool = False,
        model: str = DEFAULT_MODEL,
        timeout_s: float | None = None,
        cancel_on_interrupt: bool = False,
        idempotency_key: str | None = None,
        progress: Tell | None = None,
        **more: Any,
    ) -> Flow[Result]:
        """Re-shoot a section of a video: upload, submit, follow, download.

        Args:
            source: A path, an open file, the video's bytes, or a URL that the server can fetch.
            start: Where the section starts, in seconds; as a text also ``0:02.500``.
            duration: How long it is, told likewise.
            prompt: What should happen there.
            mode: ``replace_audio_and_video``, ``replace_audio`` or ``replace_video``.
            seed: Gives the same result again.
            output: Where the new video goes, whole or not at all; in memory when None.
            overwrite: Whether a file that is there is replaced.
            model: Which model is asked for.
            timeout_s: How long to wait for the result, in seconds; None is for ever.
            cancel_on_interrupt: Whether Ctrl-C cancels the request; else it goes on, and the
                error says its id.
            idempotency_key: Makes this call and an earlier one with the same arguments the same
                request, where the source is a URL.
            progress: Called with every `Progress`; it must return quickly.
            **more: Further parameters, such as ``options={…}`` or ``container="mov"``.

        Raises:
            RequestFailed: The server could not do it.
            Cancelled: Somebody cancelled it.
            Timeout: It took longer than `timeout_s`; it goes on.
            RetakeError: A parameter or a file is wrong, the server says no or is not there.
        """
        whole_way = retaking.retake(
            self._server,
            source,
            start=start,
            duration=duration,
            more={"prompt": prompt, "mode": mode, "seed": seed, **more},
            model=model,
            output=None if output is None else Path(output),
            overwrite=overwrite,
            timeout_s=timeout_s,
            cancel_on_interrupt=cancel_on_interrupt,
            idempotency_key=idempotency_key,
            tell=progress,
        )
        return telling(whole_way, progress)

    def submit(
        self,
        source: Source,
        *,
        start: Seconds | None = None,
        duration: Seconds | None = None,
        prompt: str | None = None,
        mode: str | None = None,
        seed: int | None = None,
        model: str = DEFAULT_MODEL,
        wait_s: float | None = None,
        cancel_after: str | None = None,
        idempotency_key: str | None = None,
        headers: dict[str, str] | None = None,
        progress: Tell | None = None,
        **more: Any,
    ) -> Flow[Request]:
        """Upload if need be, submit, and return the request as it then stands.

        Parameters as for `retake`, and `wait_s`: how long the server may hold its answer back for
        the result, in seconds; `cancel_after`: the request's deadline, such as ``5m``; `headers`:
        more headers of the submit.

        Raises:
            ConnectionLost: It may have been accepted or not (``submit_unknown``).
            RetakeError: It was not accepted.
        """
        more = {"prompt": prompt, "mode": mode, "seed": seed, **more}
        payload = submitting.payload_for("", start, duration, more)

        def both() -> Flow[Request]:
            url = yield from retaking.video_uri(self._server, source, progress)
            return (
                yield from submitting.submit(
                    self._server,
                    {**payload, "video_uri": url},
                    model=model,
                    wait_s=wait_s,
                    cancel_after=cancel_after,
                    idempotency_key=idempotency_key,
                    headers=headers,
                )
            )

        return both()

    def get(self, request_id: str) -> Flow[Request]:
        """Return a request as it stands.

        Raises:
            NotFound: The key has no such request.
        """
        return looking.get(self._server, request_id)

    def wait(
        self,
        request_id: str,
        *,
        timeout_s: float | None = None,
        cancel_on_interrupt: bool = False,
        progress: Tell | None = None,
    ) -> Flow[Request]:
        """Return a request once it has succeeded; a restart of the server is waited for.

        Raises:
            RequestFailed: It failed.
            Cancelled: It was cancelled.
            Timeout: It has not ended within `timeout_s` seconds; it goes on.
            ConnectionLost: The server stayed away.
        """

        def to_its_end() -> Flow[Request]:
            record = yield from following.follow(
                self._server,
                request_id,
                timeout_s=timeout_s,
                cancel_on_interrupt=cancel_on_interrupt,
            )
            return following.succeeded(record)

        return telling(to_its_end(), progress)

    def events(self, request_id: str, *, timeout_s: float | None = None) -> Emits[Progress]:
        """Yield how a request stands whenever that changes, until it has ended.

        Raises:
            Timeout: It has not ended within `timeout_s` seconds.
            ConnectionLost: The server stayed away.
        """
        return Emits(following.to_the_last(self._server, request_id, timeout_s))

    def list(
        self,
        *,
        model: str | None = None,
        status: str | None = None,
        created_after: str | int | None = None,
        created_before: str | int | None = None,
        page_size: int | None = None,
    ) -> Emits[Request]:
        """Yield the key's requests, newest first; further pages are asked for as they are wanted.

        Moments are Unix time in seconds, or RFC 3339 texts.
        """
        return Emits(
            looking.pages(
                self._server,
                model=model,
                status=status,
                created_after=created_after,
                created_before=created_before,
                page_size=page_size,
            )
        )

    def cancel(self, request_id: str) -> Flow[Request]:
        """Cancel a request and return it as it then stands; one that has ended stays as it is."""
        return looking.cancel(self._server, request_id)

    def upload(
        self, source: Source, *, file_type: str | None = None, progress: Tell | None = None
    ) -> Flow[Upload]:
        """Upload a video; its `url` is then the source of a submit with the same key.

        Raises:
            RetakeAPIError: The server takes no uploads (``no_uploads``), or not this one.
        """
        sent = None if progress is None else retaking.bytes_told(progress, "uploading", "")
        return uploading.upload(self._server, source, file_type=file_type, sent=sent)

    def download(
        self,
        request: Request | str,
        output: str | Path | None = None,
        *,
        role: str = "video",
        overwrite: bool = False,
        progress: Tell | None = None,
    ) -> Flow[File]:
        """Fetch a file of a request: ``video``, ``thumbnail``, ``sheet``, ``report``.

        It appears at `output` whole or not at all, and stays in memory where that is None. A
        connection that breaks is resumed.

        Raises:
            RetakeAPIError: There is no such file, or what came is not what was made.
        """
        return downloading.fetch(
            self._server,
            request,
            role=role,
            output=None if output is None else Path(output),
            overwrite=overwrite,
            got=progress and (lambda name: retaking.bytes_told(progress, "downloading", name)),
        )

    def models(self) -> Flow[tuple[str, ...]]:
        """Return the ids of the server's models."""
        return looking.models(self._server)

    def model(self, model_id: str = DEFAULT_MODEL) -> Flow[Raw]:
        """Return what a model is and which parameters it takes, as the server tells it."""
        return looking.model(self._server, model_id)

    def dry_run(
        self,
        source: Source,
        *,
        start: Seconds | None = None,
        duration: Seconds | None = None,
        model: str = DEFAULT_MODEL,
        **more: Any,
    ) -> Flow[Raw]:
        """Return what a submit would do, without doing it; what is here is uploaded for that.

        Raises:
            RetakeAPIError: It would be refused, or the server has no dry run (``no_dry_run``).
        """
        payload = submitting.payload_for("", start, duration, more)

        def both() -> Flow[Raw]:
            url = yield from retaking.video_uri(self._server, source)
            return (yield from looking.dry_run(self._server, {**payload, "video_uri": url}, model))

        return both()
