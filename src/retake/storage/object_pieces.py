"""The bytes of an upload on its way, in a remote storage: one object after the other.

Each object's name is where its bytes begin. It is put only if there is none: where two servers
write to the same upload at once, one of them is told so, and what counts is one unbroken row.
"""

from __future__ import annotations

from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import AlreadyExistsError

from retake.core.errors import BadRequest
from retake.storage.faults import told
from retake.storage.storage import Stat

if TYPE_CHECKING:
    from retake.storage.objects import ObjectStorage

_OBJECT_BYTES = 8 * 1024**2
"""So much is gathered before it is stored: what a kill of the server loses at most."""


def pieces_of(storage: ObjectStorage, folder: str) -> list[Stat]:
    """Return the objects of an upload, in their order, as far as the row is unbroken."""
    by_start = {int(one.name.rpartition("/")[2]): one for one in storage.files(folder)}
    row: list[Stat] = []
    end = 0
    while (piece := by_start.get(end)) is not None and piece.size > 0:
        row.append(piece)
        end += piece.size
    return row


class ObjectPiece:
    """Bytes that come to the end of an upload; see `Piece`.

    Args:
        storage: Where it is.
        folder: Where its objects are.
        offset: Where the first byte belongs.
        checked: Whether nothing is stored before `keep`.
    """

    def __init__(self, storage: ObjectStorage, folder: str, offset: int, checked: bool) -> None:  # noqa: FBT001 - its caller names it
        self._storage = storage
        self._folder = folder
        self._offset = offset
        self._checked = checked
        # On this machine, until it is compared: all of the piece comes over one connection.
        self._gathered = SpooledTemporaryFile[bytes](_OBJECT_BYTES)
        self._length = 0

    def write(self, data: bytes) -> None:
        """Add bytes."""
        with told():
            self._gathered.write(data)
        self._length += len(data)
        if not self._checked and self._length >= _OBJECT_BYTES:
            self._store()

    def keep(self) -> None:
        """Store what was not stored yet."""
        self._store()
        self._gathered.close()

    def leave(self) -> None:
        """End after an error."""
        try:
            if not self._checked:
                self._store()
        finally:
            self._gathered.close()

    def _store(self) -> None:
        """Store what was gathered, in objects that memory has room for."""
        self._gathered.seek(0)
        while data := self._gathered.read(_OBJECT_BYTES):
            self._put(data)
            self._offset += len(data)
        self._gathered.seek(0)
        self._gathered.truncate()
        self._length = 0

    def _put(self, data: bytes) -> None:
        name = f"{self._folder}/{self._offset:015d}"
        with self._storage.asking():
            try:
                # One request, so that it is put only if there is none.
                obstore.put(self._storage.store, name, data, mode="create", use_multipart=False)
            except AlreadyExistsError:
                self._checked = True
                raise BadRequest(
                    "upload_interrupted", "the upload goes on elsewhere", retryable=True
                ) from None
