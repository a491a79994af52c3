"""What an engine child tells of a request: how far it is, and what became of it."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from typing import Any

from retake.core.errors import RetakeError, StorageFailed
from retake.core.watch import Stage

_PROGRESS_EVERY_S = 0.2


class Teller:
    """Tells the server how far a request is, a few times a second at most.

    Args:
        say: Sends a message.
        request_id: Which request.
    """

    def __init__(self, say: Callable[[dict[str, Any]], None], request_id: str) -> None:
        self._say = say
        self._request_id = request_id
        self._stage: Stage | None = None
        self._last = 0.0

    def tell(self, stage: Stage, done: int, total: int) -> None:
        """Tell it, unless the same stage was told of a moment ago."""
        now = time.monotonic()
        if stage is self._stage and now - self._last < _PROGRESS_EVERY_S:
            return
        self._stage, self._last = stage, now
        self._say(
            {
                "say": "progress",
                "request_id": self._request_id,
                "stage": stage.value,
                "done": done,
                "total": total,
            }
        )


def failed(error: Exception) -> dict[str, Any]:
    """Return the result of a request whose work went wrong in a way that nobody foresaw."""
    if _is_disk_full(error):
        full = StorageFailed("disk_full", "the server's disk is full", retryable=True)
        return {"status": "failed", "error": full.to_dict()}
    mistake = RetakeError("internal", "the server made a mistake; its log says more")
    return {"status": "failed", "error": mistake.to_dict()}


def _is_disk_full(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            return True
        if "database or disk is full" in str(error):
            return True
        error = error.__cause__ or error.__context__
    return False
