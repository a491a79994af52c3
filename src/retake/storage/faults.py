"""What goes wrong while files are stored, as users are told it."""

from __future__ import annotations

import errno
from collections.abc import Generator
from contextlib import contextmanager

from retake.core.errors import StorageFailed

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_DENIED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


@contextmanager
def told() -> Generator[None]:
    """Turn what the operating system says into what a user can be told."""
    try:
        yield
    except OSError as error:
        raise storage_failed(error) from error


def storage_failed(error: OSError) -> StorageFailed:
    """Return the user's error for one of the operating system's while writing."""
    if error.errno in _FULL:
        return StorageFailed(
            "disk_full",
            "no space is left to store the file; free some and try again",
            retryable=True,
        )
    if error.errno in _DENIED:
        return StorageFailed("no_permission", "the file may not be written there")
    return StorageFailed("storage", f"the file could not be stored: {error.strerror or error}")


def another_file() -> StorageFailed:
    """Return the error for a name that stands for another file already."""
    return StorageFailed("exists", "another file was already stored there")


def not_there(name: str) -> StorageFailed:
    """Return the error for a stored file that is gone."""
    return StorageFailed("file_gone", f"the stored file {name} is not there, or no longer")
