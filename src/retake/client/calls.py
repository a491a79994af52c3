"""What can be asked of a server, as flows: the one text of both clients' methods."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from retake.client import downloading, looking, retaking, submitting, uploading
from retake.client.effects import Flow, telling
from retake.client.files import File, Result, Upload
from retake.client.looks import Looks
from retake.client.reading import Raw
from retake.client.results import Request
from retake.client.retaking import Tell
from retake.client.server import DEFAULT_MODEL
from retake.client.submitting import Seconds, Webhook
from retake.client.uploading import Source


class Calls(Looks):
    """The calls of one server. `Client` and `AsyncClient` have the same methods, carried out."""

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
            **more: Further parameters, such as ``options={…}``, ``container="mov"``, ``takes=3`` or
                ``sections=[…]``.

        Raises:
            RequestFailed: The server could not do it.
            Cancelled: Somebody cancelled it.
            Timeout: It took longer than `timeout_s`; it goes on.
            RetakeError: A parameter or a file is wrong, the server says no or is not there.
        """
        whole_way = retaking.retake(
            self.server,
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
        webhook: Webhook | None = None,
        progress: Tell | None = None,
        **more: Any,
    ) -> Flow[Request]:
        """Upload if need be, submit, and return the request as it then stands.

        Parameters as for `retake`, and `wait_s`: how long the server may hold its answer back for
        the result, in seconds; `cancel_after`: the request's deadline, such as ``5m``; `headers`:
        more headers of the submit; `webhook`: a URL that the server tells how it ends, or
        ``{"url": …, "events": […]}``.

        Raises:
            ConnectionLost: It may have been accepted or not (``submit_unknown``).
            RetakeError: It was not accepted.
        """
        more = {"prompt": prompt, "mode": mode, "seed": seed, **more}
        payload = submitting.payload_for("", start, duration, more)

        def both() -> Flow[Request]:
            url = yield from retaking.video_uri(self.server, source, progress)
            return (
                yield from submitting.submit(
                    self.server,
                    {**payload, "video_uri": url},
                    model=model,
                    wait_s=wait_s,
                    cancel_after=cancel_after,
                    idempotency_key=idempotency_key,
                    headers=headers,
                    webhook=webhook,
                )
            )

        return both()

    def upload(
        self, source: Source, *, file_type: str | None = None, progress: Tell | None = None
    ) -> Flow[Upload]:
        """Upload a video; its `url` is then the source of a submit with the same key.

        Raises:
            RetakeAPIError: The server takes no uploads (``no_uploads``), or not this one.
        """
        sent = None if progress is None else retaking.bytes_told(progress, "uploading", "")
        return uploading.upload(self.server, source, file_type=file_type, sent=sent)

    def download(
        self,
        request: Request | str,
        output: str | Path | None = None,
        *,
        role: str = "video",
        take: int | None = None,
        overwrite: bool = False,
        progress: Tell | None = None,
    ) -> Flow[File]:
        """Fetch a file of a request: ``video``, ``thumbnail``, ``sheet``, ``report``.

        Where it made several takes, `take` says which one's, from 1 on.
        It appears at `output` whole or not at all, and stays in memory where that is None. A
        connection that breaks is resumed.

        Raises:
            RetakeAPIError: There is no such file, or what came is not what was made.
        """
        return downloading.fetch(
            self.server,
            request,
            role=role,
            take=take,
            output=None if output is None else Path(output),
            overwrite=overwrite,
            got=progress and (lambda name: retaking.bytes_told(progress, "downloading", name)),
        )

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
            url = yield from retaking.video_uri(self.server, source)
            return (yield from looking.dry_run(self.server, {**payload, "video_uri": url}, model))

        return both()
