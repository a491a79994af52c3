"""Removing what nobody needs any more: uploads and results whose time is over, and leftovers."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from functools import partial

from retake.api.parts import ApiParts
from retake.core.errors import RetakeError

_log = logging.getLogger(__name__)

EVERY_S = 300.0
_AT_ONCE = 100


class Cleaner:
    """Cleans when the server starts, and from then on every few minutes; on the event loop.

    Args:
        parts: What the API uses.
        every_s: How long it rests in between, in seconds.
    """

    def __init__(self, parts: ApiParts, every_s: float = EVERY_S) -> None:
        self._parts = parts
        self._every_s = every_s
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._go_on(), name="cleaner")

    async def stop(self) -> None:
        """Stop, at once."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def clean(self) -> None:
        """Remove what has had its time by now.

        Raises:
            StorageFailed: Something could not be removed or written down.
        """
        await self._uploads()
        await self._results()
        await self._handed_over()
        await asyncio.to_thread(self._parts.storage.tidy)

    async def sweep(self) -> None:
        """Remove what a killed server left behind of requests that have no results.

        Raises:
            StorageFailed: Something could not be removed.
        """
        storage, results = self._parts.storage, self._parts.requests.results
        found = await asyncio.to_thread(storage.folders, "outputs")
        for request_id in found:
            held = await results.held(request_id)
            # In a shared storage it may be somebody else's: `retake doctor` tells of those.
            unknown = held is None and not storage.shared
            if unknown or (held is not None and held.orphaned):
                _log.info("what was left of request %s is removed", request_id)
                await asyncio.to_thread(storage.delete_tree, f"outputs/{request_id}")
            # Everybody else's turn: there may be many.
            await asyncio.sleep(0)

    async def _go_on(self) -> None:
        first = True
        while True:
            try:
                if first:
                    await self.sweep()
                    first = False
                await self.clean()
            except RetakeError as error:
                _log.error("cleaning did not get to its end: %s", error)
            except Exception:  # noqa: BLE001 - the next time may go better
                _log.exception("cleaning failed unexpectedly")
            await asyncio.sleep(self._every_s)

    async def _uploads(self) -> None:
        parts, uploads = self._parts, self._parts.uploads
        for key_id, upload_id in await asyncio.to_thread(lambda: list(uploads.expired())):
            upload = await parts.at_storage(partial(uploads.find, key_id, upload_id))
            if upload is not None and await parts.requests.results.needed(upload.name):
                continue
            # Looked at once more: it may have been used since. Nothing comes in between now, or,
            # in a remote storage, nobody uses what is as old as the grace makes it.
            upload = await parts.at_storage(partial(uploads.find, key_id, upload_id))
            kept_s = uploads.ttl_s + uploads.grace_s
            if upload is not None and upload.touched_at + kept_s > parts.now():
                continue
            await parts.at_storage(partial(uploads.remove, key_id, upload_id))
            await asyncio.sleep(0)

    async def _handed_over(self) -> None:
        """Remove what machines handed over to each other for requests that have ended."""
        storage, results = self._parts.storage, self._parts.requests.results
        for request_id in await asyncio.to_thread(storage.folders, "work"):
            held = await results.held(request_id)
            if held is not None and held.status.terminal:
                await asyncio.to_thread(storage.delete_tree, f"work/{request_id}")

    async def _results(self) -> None:
        keep_s, results = self._parts.keep_results_s, self._parts.requests.results
        if keep_s is None:
            return
        while due := await results.due(int(self._parts.now()) - keep_s, _AT_ONCE):
            free = [one for one in due if not await results.needed(f"outputs/{one}")]
            for request_id in free:
                await remove_results(self._parts, request_id)
            if len(free) < _AT_ONCE:
                return


async def remove_results(parts: ApiParts, request_id: str) -> None:
    """Remove the files of a request that has ended; its record says so from then on.

    Raises:
        StorageFailed: It could not be written down, or they could not be removed; the next start
            removes them then.
    """
    await parts.requests.results.remove(request_id)
    await asyncio.to_thread(parts.storage.delete_tree, f"outputs/{request_id}")
