"""Those who wait for a request to end; everything here is called on the event loop."""

from __future__ import annotations

import asyncio


class Waiting:
    """Who waits for which request."""

    def __init__(self) -> None:
        self._waiters: dict[str, set[asyncio.Future[None]]] = {}

    async def wait(self, request_id: str, timeout_s: float) -> None:
        """Return once the request's waiters are released, or after `timeout_s` seconds."""
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiters = self._waiters.setdefault(request_id, set())
        waiters.add(ended)
        try:
            await asyncio.wait([ended], timeout=timeout_s)
        finally:
            waiters.discard(ended)
            if not waiters and self._waiters.get(request_id) is waiters:
                del self._waiters[request_id]

    def release(self, request_id: str) -> None:
        """Let go everybody who waits for one request."""
        _release(self._waiters.pop(request_id, set()))

    def release_all(self) -> None:
        """Let go everybody."""
        for waiters in self._waiters.values():
            _release(waiters)


def _release(waiters: set[asyncio.Future[None]]) -> None:
    for waiter in waiters:
        if not waiter.done():
            waiter.set_result(None)
