"""How much room a key's uploads have, counting those that are just coming."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Generator, Iterable
from contextlib import contextmanager

from retake.core.errors import StorageFailed
from retake.storage.upload import Upload, UploadPolicy


class Room:
    """The room for uploads; for one process.

    Args:
        policy: How much is accepted.
    """

    def __init__(self, policy: UploadPolicy) -> None:
        self._policy = policy
        self._bytes: Counter[str] = Counter()
        self._count: Counter[str] = Counter()

    @contextmanager
    def kept(
        self, key_id: str, known: Collection[Upload], length: int | None, most: int
    ) -> Generator[int]:
        """Keep room for one more upload of the key; yield the most bytes that it may have.

        Args:
            key_id: Whose it is.
            known: The key's uploads that are stored, and those on their way.
            length: Its bytes, where they are known.
            most: Most bytes of any upload.

        Raises:
            StorageFailed: The key's room is taken (``upload_quota``), or it has too many uploads
                (``too_many_uploads``); both retryable.
        """
        taken = _bytes_of(known) + self._bytes[key_id]
        left = self._policy.key_bytes - taken
        wanted = min(most, max(left, 1)) if length is None else length
        if len(known) + self._count[key_id] >= self._policy.key_count:
            raise _too_many(self._policy)
        if wanted > left:
            raise _no_room(taken, self._policy)
        self._bytes[key_id] += wanted
        self._count[key_id] += 1
        try:
            yield min(wanted, most)
        finally:
            self._bytes[key_id] -= wanted
            self._count[key_id] -= 1

    def full(self, known: Collection[Upload]) -> StorageFailed:
        """Return the error for an upload of unknown length that found no more room."""
        return _no_room(_bytes_of(known), self._policy)


def _bytes_of(known: Iterable[Upload]) -> int:
    return sum(one.length or 0 for one in known)


def _no_room(taken: int, policy: UploadPolicy) -> StorageFailed:
    return StorageFailed(
        "upload_quota",
        f"your uploads take {taken} of {policy.key_bytes} bytes, and this one does not fit; "
        "delete some, or wait until they expire",
        retryable=True,
    )


def _too_many(policy: UploadPolicy) -> StorageFailed:
    return StorageFailed(
        "too_many_uploads",
        f"you have {policy.key_count} uploads, which is the most that is accepted; delete some, "
        "or wait until they expire",
        retryable=True,
    )
