"""SHA-256 of large files, and git's SHA-1 of small ones, told as they are read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

_PIECE = 4 * 1024**2


def sha256_of(path: Path, read: Callable[[int], None] | None = None) -> str:
    """Return a file's SHA-256 in hexadecimal; `read` is told how many bytes were read."""
    digest = hashlib.sha256()
    _feed(path, digest.update, read)
    return digest.hexdigest()


def blob_id_of(path: Path) -> str:
    """Return the SHA-1 by which git knows a file's contents."""
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    _feed(path, digest.update, None)
    return digest.hexdigest()


def _feed(
    path: Path, update: Callable[[memoryview], None], read: Callable[[int], None] | None
) -> None:
    piece = memoryview(bytearray(_PIECE))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(piece):
            update(piece[:count])
            if read is not None:
                read(count)
