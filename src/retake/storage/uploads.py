"""The uploads of every key: whose they are, how much they take, when they expire."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from retake.storage.upload import Upload

UPLOAD_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)


class Piece(Protocol):
    """Bytes that are being added to an upload on its way; one writer at a time."""

    def write(self, data: bytes) -> None:
        """Add bytes.

        Raises:
            Moved: Another server has gone on with the upload meanwhile.
        """
        ...

    def keep(self) -> None:
        """Make sure that all that was written outlives a kill; it is part of the upload then."""
        ...

    def leave(self) -> None:
        """End after an error: what was written stays, unless it was to be compared first."""
        ...


class Uploads(Protocol):
    """The uploads in one storage; it is the only record of them. Every method may block.

    Attributes:
        ttl_s: How long one is kept after it came or was last used, in seconds.
        grace_s: How much longer it is kept before it is removed: 0 where nothing can come between
            the look and the removal.
    """

    ttl_s: int
    grace_s: int

    def announce(
        self,
        key_id: str,
        file_type: str,
        *,
        length: int | None = None,
        file_name: str | None = None,
        metadata: str | None = None,
    ) -> Upload:
        """Return a new upload; what was told of it is kept, where anything was."""
        ...

    def find(self, key_id: str, upload_id: str) -> Upload | None:
        """Return an upload of the key; None where it has none of that id."""
        ...

    def of_key(self, key_id: str) -> list[Upload]:
        """Return the key's uploads, those on their way too, the latest first."""
        ...

    def expired(self) -> Iterator[tuple[str, str]]:
        """Yield key and id of every upload whose time may be over, those that never came too."""
        ...

    def remove(self, key_id: str, upload_id: str) -> None:
        """Remove an upload and all that is known of it."""
        ...

    def use(self, name: str) -> bool:
        """Begin an upload's time anew; return whether its stored file is there."""
        ...

    def settle(self, key_id: str, upload_id: str) -> None:
        """Take back what a kill left of a piece that was to be compared with its checksum."""
        ...

    def piece(self, upload: Upload, *, checked: bool) -> Piece:
        """Begin to add bytes behind those that are here.

        Args:
            upload: As it was just found.
            checked: Whether they count only once they were compared with a checksum.
        """
        ...

    def whole(self, upload: Upload) -> AbstractContextManager[Path]:
        """Give a file of all bytes of an upload that are here."""
        ...

    def finish(self, upload: Upload, whole: Path) -> None:
        """Let an upload whose bytes are all here become a stored file."""
        ...
