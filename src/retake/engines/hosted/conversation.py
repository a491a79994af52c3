"""What is said between this server and the one upstream, from the upload to the answer.

Each thing that cannot be said twice is noted in the journal before and after it is said: a process
that takes over finds there what to go on with.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import urlsplit

from retake.client import AsyncClient, Progress, Request, RequestFailed, RetakeAPIError
from retake.client import Cancelled as CancelledThere
from retake.core.errors import Cancelled, EngineFailed, RetakeError
from retake.core.watch import Stage, Watch
from retake.engines.hosted.info import ID
from retake.engines.hosted.journal import Entry, Journal
from retake.engines.hosted.upstream import Upstream, upstream_of

T = TypeVar("T")
VIA = "X-Retake-Via"
"""The header that a request which is handed on carries; a server refuses its own."""

CANCEL_POLL_S = 0.1
CANCEL_S = 4.0
"""How long telling the upstream server to stop may take; then we stop without it."""
SENT, DONE, FETCHED = 10, 80, 90
"""Percent of the generate stage behind when the clip is there, made, and here again."""

OpenClient = Callable[[], AsyncClient]


def host_of(base_url: str) -> str:
    """Return the name of a server, as people are told it."""
    return urlsplit(base_url).netloc.rpartition("@")[2]


class Conversation:
    """Talks with one upstream server about one shot. Blocks; call it on a thread without a loop.

    Args:
        open_client: Makes a client; its connections are opened on the loop that uses it.
        base_url: The upstream server, for people.
        model: The model that is asked for.
        watch: Progress goes out, a wish to cancel comes in.
        max_bytes: Longest answer that is taken.
        via: This server's own mark, by which it knows a request that comes back to it.
    """

    def __init__(
        self,
        open_client: OpenClient,
        base_url: str,
        model: str,
        watch: Watch,
        max_bytes: int,
        via: str | None = None,
    ) -> None:
        self._max_bytes = max_bytes
        self._headers = {VIA: via} if via else None
        self._open_client = open_client
        self._host = host_of(base_url)
        self._model = model
        self._watch = watch

    def look(self) -> Upstream:
        """Return what the model accepts.

        Raises:
            EngineFailed: There is no such model; or it would hand the request on in its turn
                (``upstream_hosted``).
        """
        return self._run(self._look)

    def submit(self, journal: Journal, entry: Entry, payload: Mapping[str, Any] | None) -> Entry:
        """Have the clip made, or go on where an earlier attempt was.

        Args:
            journal: The shot's journal.
            entry: What it knows.
            payload: The request's parameters but for the video's URL; None where an earlier
                attempt has noted them.

        Raises:
            EngineFailed: It was refused.
        """
        return self._run(lambda client: self._submit(client, journal, entry, payload), journal)

    def follow(self, journal: Journal, entry: Entry) -> Request:
        """Wait for the end, bring the answer here, and return the upstream record.

        Raises:
            EngineFailed: It failed there, or was cancelled there.
            Cancelled: It was to stop here; the upstream server has been told.
        """
        return self._run(lambda client: self._follow(client, journal, entry), journal)

    def _run(
        self, work: Callable[[AsyncClient], Awaitable[T]], journal: Journal | None = None
    ) -> T:
        return asyncio.run(self._watched(work, journal))

    async def _watched(
        self, work: Callable[[AsyncClient], Awaitable[T]], journal: Journal | None
    ) -> T:
        async with self._open_client() as client:
            task = asyncio.ensure_future(self._told(work(client)))
            while not task.done():
                await asyncio.wait([task], timeout=CANCEL_POLL_S)
                if self._watch.cancelled() and not task.done():
                    task.cancel()
                    await asyncio.wait([task])
                    if journal is not None and (entry := journal.known()):
                        journal.keep(entry, ended=await stop(client, entry))
                    raise Cancelled
            return task.result()

    async def _told(self, work: Awaitable[T]) -> T:
        """Turn what the upstream server says into what our user can be told; codes stay."""
        try:
            return await work
        except RetakeAPIError as error:
            raise EngineFailed(
                error.code,
                f"{self._host}: {error.message}",
                param=error.param if error.param in {"prompt", "mode", "seed"} else None,
                retryable=error.retryable,
            ) from error

    async def _look(self, client: AsyncClient) -> Upstream:
        raw = await client.model(self._model)
        engine = raw.get("engine")
        if isinstance(engine, Mapping) and engine.get("id") == ID:
            raise EngineFailed(
                "upstream_hosted",
                f"{self._host} would hand {self._model} on to another server; accepted is a model "
                "that it makes itself",
            )
        return upstream_of(raw)

    async def _submit(
        self,
        client: AsyncClient,
        journal: Journal,
        entry: Entry,
        payload: Mapping[str, Any] | None,
    ) -> Entry:
        if entry.payload is None:
            upload = await client.upload(journal.clip, file_type="mp4", progress=self._sending)
            entry = journal.keep(entry, payload={"video_uri": upload.url, **(payload or {})})
            journal.clip.unlink(missing_ok=True)
        elif request_id := await _found(client, entry):
            # An attempt before this one got that far, and not one step further.
            return journal.keep(entry, request_id=request_id)
        asked = dict(entry.payload or {})
        request = await client.submit(
            asked.pop("video_uri"),
            start=asked.pop("start_time"),
            duration=asked.pop("duration"),
            model=entry.model,
            idempotency_key=entry.idempotency_key,
            headers=self._headers,
            **asked,
        )
        return journal.keep(entry, request_id=request.id)

    async def _follow(self, client: AsyncClient, journal: Journal, entry: Entry) -> Request:
        try:
            request = await client.wait(entry.request_id or "", progress=self._going)
        except (RequestFailed, CancelledThere):
            journal.keep(entry, ended=True)
            raise
        if not journal.answer.is_file():
            await client.download(request, journal.answer, progress=self._fetching)
        if not entry.ended:
            journal.keep(entry, ended=True)
        return request

    def _sending(self, progress: Progress) -> None:
        self._tell(SENT * _share(progress))

    def _going(self, progress: Progress) -> None:
        self._tell(SENT + (DONE - SENT) * (progress.percent or 0) / 100)

    def _fetching(self, progress: Progress) -> None:
        if max(progress.done, progress.total) > self._max_bytes:
            raise EngineFailed(
                "upstream_bad_video",
                f"what {self._host} made has more than {self._max_bytes} bytes",
            )
        self._tell(DONE + (FETCHED - DONE) * _share(progress))

    def _tell(self, percent: float) -> None:
        # A wish to cancel is felt where we wait; raised from here it would look like an error.
        with suppress(Cancelled):
            self._watch.progress(Stage.GENERATE, int(percent), 100)


async def stop(client: AsyncClient, entry: Entry) -> bool:
    """Tell the upstream server that nobody wants the result any more; return whether it knows.

    A submit that got no answer yet is looked for by what was submitted.
    """
    request_id = entry.request_id
    if entry.ended:
        return True
    with suppress(RetakeError, TimeoutError):
        async with asyncio.timeout(CANCEL_S):
            if request_id is None and entry.payload is not None:
                request_id = await _found(client, entry)
            if request_id is not None:
                await client.cancel(request_id)
            return True
    return False


async def _found(client: AsyncClient, entry: Entry) -> str | None:
    async for request in client.list(model=entry.model):
        if request.payload.get("video_uri") == (entry.payload or {})["video_uri"]:
            return request.id
    return None


def _share(progress: Progress) -> float:
    return progress.done / progress.total if progress.total else 0.0
