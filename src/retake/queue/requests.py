"""The requests: accepted, listed, waited for, cancelled.

Everything here is called on the server's event loop. Reads are quick enough to be done on it;
what writes is `async` and returns once it is on the disk.
"""

from __future__ import annotations

from retake.core.request import Status
from retake.queue.data_dir import DataDir
from retake.queue.record import NewRequest, Record


class Requests:
    """All requests of one data folder.

    Args:
        data_dir: The locked data folder.
    """

    def __init__(self, data_dir: DataDir) -> None:
        raise NotImplementedError

    async def create(self, new: NewRequest) -> Record:
        """Accept a request; it is on the disk when this returns.

        Raises:
            StorageFailed: The disk is full (code ``disk_full``, retryable), or the server is
                stopping (``stopping``, retryable).
        """
        raise NotImplementedError

    def get(self, request_id: str, key_id: str) -> Record | None:
        """Return one of the key's requests; None when it has no such request."""
        raise NotImplementedError

    def list(
        self,
        key_id: str,
        *,
        model: str | None = None,
        status: Status | None = None,
        limit: int = 50,
        before: str | None = None,
    ) -> tuple[list[Record], int]:
        """Return the key's requests, newest first, and how many there are in all.

        Args:
            key_id: Whose requests.
            model: Only those of this model.
            status: Only those that stand so.
            limit: At most so many are returned.
            before: Only those older than the request of this id.
        """
        raise NotImplementedError

    async def wait(self, request_id: str, timeout_s: float) -> Record:
        """Return the request once it has ended, or as it stands after `timeout_s` seconds.

        Raises:
            LookupError: There is no such request.
        """
        raise NotImplementedError

    async def cancel(self, request_id: str, key_id: str) -> Record | None:
        """Cancel one of the key's requests; None when it has no such request.

        A queued one is cancelled when this returns; one that is worked on is told to stop, which
        it does within a second; one that has ended stays as it is.
        """
        raise NotImplementedError
