"""Who is listening to which requests, and telling them that something has happened.

What has happened is not passed on: a listener looks for itself, and so sees the last state however
much has happened meanwhile. A listener that is slow costs no memory, and none misses the end.
Everything here is called on the server's event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager

from retake.core.errors import StorageFailed

MOST_OF_ONE_KEY = 1000


def _nothing() -> None:
    return


class Listener:
    """Wakes its owner when one of the requests that it listens to has changed or moved on."""

    def __init__(self) -> None:
        self._woken = asyncio.Event()
        self._changed: dict[str, None] = {}
        self._moved: dict[str, None] = {}
        self.over = False

    def note(self, request_id: str, *, changed: bool) -> None:
        """Note that a request has changed on the disk, or only moved on."""
        (self._changed if changed else self._moved)[request_id] = None
        self._woken.set()

    def end(self) -> None:
        """Note that nothing more will come: the server is stopping."""
        self.over = True
        self._woken.set()

    async def heard(self, timeout_s: float) -> tuple[list[str], list[str]]:
        """Return which requests changed and which only moved on, since this was last asked.

        Waits until there is one, `timeout_s` at most.
        """
        if not self._woken.is_set():
            try:
                await asyncio.wait_for(self._woken.wait(), timeout_s)
            except TimeoutError:
                return [], []
        if not self.over:
            self._woken.clear()
        changed, moved = self._changed, self._moved
        self._changed, self._moved = {}, {}
        return list(changed), [name for name in moved if name not in changed]


class Feed:
    """The listeners of all keys.

    Args:
        told: Called whenever something has changed on the disk.
    """

    def __init__(self, told: Callable[[], None] = _nothing) -> None:
        self._told = told
        self._of_request: dict[str, set[Listener]] = {}
        self._of_key: dict[str, set[Listener]] = {}
        self._counts: dict[str, int] = {}

    @contextmanager
    def listen(self, key_id: str, request_id: str | None = None) -> Generator[Listener]:
        """Listen to one request, or to all of a key, until the block ends.

        Raises:
            StorageFailed: Too many listen with this key already (``too_many_listeners``,
                retryable).
        """
        if self._counts.get(key_id, 0) >= MOST_OF_ONE_KEY:
            raise StorageFailed(
                "too_many_listeners",
                f"{MOST_OF_ONE_KEY} streams of events are open with this API key, which is the "
                "most that is accepted",
                retryable=True,
            )
        listener = Listener()
        room, name = self._of_key, key_id
        if request_id is not None:
            room, name = self._of_request, request_id
        room.setdefault(name, set()).add(listener)
        self._counts[key_id] = self._counts.get(key_id, 0) + 1
        try:
            yield listener
        finally:
            room[name].discard(listener)
            if not room[name]:
                del room[name]
            self._counts[key_id] -= 1
            if not self._counts[key_id]:
                del self._counts[key_id]

    def changed(self, key_id: str, request_id: str) -> None:
        """Tell that what is on the disk of a request has changed."""
        self._tell(key_id, request_id, changed=True)
        self._told()

    def moved(self, key_id: str, request_id: str) -> None:
        """Tell that a request has moved on, which only memory knows."""
        self._tell(key_id, request_id, changed=False)

    def close(self) -> None:
        """Let every listener go."""
        for room in (self._of_request, self._of_key):
            for listeners in room.values():
                for listener in listeners:
                    listener.end()

    def _tell(self, key_id: str, request_id: str, *, changed: bool) -> None:
        for listener in self._of_request.get(request_id, ()):
            listener.note(request_id, changed=changed)
        for listener in self._of_key.get(key_id, ()):
            listener.note(request_id, changed=changed)
