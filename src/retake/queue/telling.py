"""What an engine child tells of a request: how far it is, and what became of it."""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable
from typing import Any

from retake.core.errors import RetakeError, StorageFailed
from retake.core.request import Status
from retake.core.watch import Stage
from retake.queue.fault import internal

_log = logging.getLogger(__name__)

_PROGRESS_EVERY_S = 0.2


def ending(
    request_id: str, result: dict[str, Any]
) -> tuple[Status, dict[str, Any] | None, dict[str, Any] | None]:
    """Return what a child's result says of how a request ended: status, outcome, error."""
    match result:
        case {"status": "success", "outcome": dict() as outcome}:
            return Status.SUCCESS, outcome, None
        case {"status": "failed", "error": dict() as error}:
            return Status.FAILED, None, error
        case {"status": "cancelled"}:
            return Status.CANCELLED, None, None
        case _:
            _log.error("the engine's answer for %s is none: %.200r", request_id, result)
            return Status.FAILED, None, internal()


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
