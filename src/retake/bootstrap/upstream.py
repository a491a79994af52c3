"""The server's side of requests that are handed on: keys go, upstream work stops, when they end."""

from __future__ import annotations

import asyncio
import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from retake.bootstrap.hosted import client_for, mark_of, open_vault, upstream_base
from retake.core.errors import RetakeError
from retake.core.watch import Stage

if TYPE_CHECKING:
    from retake.api.upstream import Upstream
    from retake.engines.hosted.journal import Entry
    from retake.queue.data_dir import DataDir
    from retake.queue.database import Database
    from retake.queue.observer import Observer
    from retake.queue.requests import Requests
    from retake.queue.vault import KeptKeys
    from retake.settings import Settings

_log = logging.getLogger(__name__)


async def upstream_door(
    chosen: Settings, data_dir: DataDir, requests: Requests, database: Database
) -> Upstream | None:
    """Return what the API needs to accept requests that are handed on; None without an upstream.

    From now on the keys that requests bring along are deleted when these end, and what a request
    leaves unfinished upstream is cancelled there.
    """
    from retake.api.upstream import Upstream
    from retake.engines.hosted.conversation import host_of

    vault = open_vault(chosen, data_dir, database)
    await _sweep(vault, requests)
    if not chosen.upstream_url:
        return None
    front = requests.front
    front.observer = _Leaving(front.observer, chosen, vault, data_dir.work)
    host = host_of(upstream_base(chosen))
    return Upstream(host, vault, chosen.upstream_key is not None, mark_of(data_dir.path))


async def _sweep(vault: KeptKeys, requests: Requests) -> None:
    """Delete the keys of requests that ended while nobody listened, or were never queued."""
    for request_id, owner in vault.kept():
        record = await requests.get(request_id, owner)
        if record is None or record.status.terminal:
            vault.forget(request_id)


class _Leaving:
    """Passes on what happens to requests; cleans up behind those that end."""

    def __init__(self, inner: Observer, chosen: Settings, vault: KeptKeys, work: Path) -> None:
        self._inner = inner
        self._chosen = chosen
        self._vault = vault
        self._work = work

    def accepted(self, request_id: str, model: str) -> None:
        """Pass it on."""
        self._inner.accepted(request_id, model)

    def begun(self, request_id: str, model: str, stage: Stage | None, trace: str | None) -> None:
        """Pass it on."""
        self._inner.begun(request_id, model, stage, trace)

    def entered(self, request_id: str, stage: Stage) -> None:
        """Pass it on."""
        self._inner.entered(request_id, stage)

    def engine_lost(self) -> None:
        """Pass it on."""
        self._inner.engine_lost()

    def ended(self, request_id: str, model: str, status: str, code: str | None) -> None:
        """Pass it on; forget the request's key, and stop what it left unfinished upstream."""
        self._inner.ended(request_id, model, status, code)
        try:
            # Read now: the engine child deletes them as soon as it hears of the end.
            left = _unfinished(self._work / request_id)
            key = self._vault.key_of(request_id) if left else None
            self._vault.forget(request_id)
        except (OSError, ValueError):
            _log.exception("the upstream key of request %s could not be deleted", request_id)
            return
        if left:
            arguments = (self._chosen, key, left)
            threading.Thread(target=_stop, args=arguments, name="upstream", daemon=True).start()


def _unfinished(folder: Path) -> list[Entry]:
    from retake.engines.hosted.journal import NAME, read_entry

    entries = (read_entry(path.parent) for path in folder.rglob(NAME))
    return [entry for entry in entries if entry is not None and not entry.ended]


def _stop(chosen: Settings, key: str | None, left: list[Entry]) -> None:
    from retake.engines.hosted.conversation import stop

    async def stop_all() -> None:
        async with client_for(chosen, key) as client:
            for entry in left:
                if not await stop(client, entry):
                    _log.warning("upstream request %s could not be cancelled", entry.request_id)

    try:
        asyncio.run(stop_all())
    except RetakeError as error:
        _log.warning("what was handed on could not be cancelled upstream: %s", error)
