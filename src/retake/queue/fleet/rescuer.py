"""The rescuer: a task, in every worker and every API process, that lets no request be forgotten.

It sleeps until the next lease or the next request's time runs out. It costs two small looks at the
database each time, and which process comes first does not matter.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from retake.core.errors import StorageFailed
from retake.queue.fleet.rescue import Rescue
from retake.queue.store import Discard

_log = logging.getLogger(__name__)

_LEAST_S = 0.2
_AGAIN_S = 1.0


class Rescuer:
    """Drops claims whose lease has run out, and ends what is to be ended.

    Args:
        rescue: What it does.
        discard: Removes what was stored of a request that ends without a result; on a thread.
        heard_since: Since when this process has heard the database, on the loop's clock.
        grace_s: How long after that it waits: when the database comes back, those who still work
            are to be first to renew their leases.
        cancel: Cancels a request whose time is over.
        most_s: How long it sleeps at most: no longer than a new lease holds.
    """

    def __init__(
        self,
        rescue: Rescue,
        discard: Discard,
        heard_since: Callable[[], float | None],
        grace_s: float,
        cancel: Callable[[str], Awaitable[object]],
        most_s: float,
    ) -> None:
        self._rescue = rescue
        self._discard = discard
        self._heard_since = heard_since
        self._grace_s = grace_s
        self._cancel = cancel
        self._most_s = most_s
        self._look = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; returns at once."""
        self._task = asyncio.create_task(self._watch(), name="rescuer")

    async def stop(self) -> None:
        """End it."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def look(self) -> None:
        """Look now: a request may have been given up, or be to be cancelled."""
        self._look.set()

    async def _watch(self) -> None:
        while True:
            wait_s = _AGAIN_S
            try:
                wait_s = await self._once()
            except StorageFailed as error:
                _log.warning("nobody can be rescued: %s", error)
            except Exception:  # noqa: BLE001 - a rescuer that is gone would be missed by nobody
                _log.exception("the rescuer stumbled")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._look.wait(), wait_s)
            self._look.clear()

    async def _once(self) -> float:
        """Do what is to be done; return in how many seconds to look again."""
        since, now = self._heard_since(), asyncio.get_running_loop().time()
        if since is None:
            return _AGAIN_S
        if now < since + self._grace_s:
            return since + self._grace_s - now
        for request_id in await self._rescue.late():
            await self._cancel(request_id)
        for request_id in await self._rescue.drop_overdue():
            _log.warning("the worker of request %s is lost; it is given to another", request_id)
        for doomed in await self._rescue.doomed():
            if await self._rescue.end(doomed):
                _log.info("request %s ends: %s", doomed.request_id, doomed.status)
                await asyncio.to_thread(self._discard, doomed.request_id)
        next_s = await self._rescue.next_s()
        # A little later than the moment itself, so that one look is enough.
        return self._most_s if next_s is None else min(max(next_s + 0.05, _LEAST_S), self._most_s)
