"""Writing a file whole or not at all, and telling a user why it could not be written."""

from __future__ import annotations

import errno
import os
import secrets
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from retake.core.errors import StorageFailed

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NO_PERMISSION = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_NO_FOLDER = frozenset({errno.ENOENT, errno.ENOTDIR})
_OF_DISKS = frozenset({errno.EIO, errno.EISDIR, errno.ENAMETOOLONG, errno.EMFILE, errno.ENFILE})


@contextmanager
def saved_whole(dst: Path) -> Generator[Path]:
    """Yield a path in `dst`'s folder whose file becomes `dst` when the block ends well.

    An older `dst` is replaced in one step. When the block raises, nothing is left behind.

    Raises:
        StorageFailed: See `storage_errors`; `is_directory` when `dst` is a folder.
    """
    with storage_errors():
        if dst.is_dir():
            raise IsADirectoryError(errno.EISDIR, "is a folder")
        part = dst.with_name(f".{dst.name}.{secrets.token_hex(4)}.part")
        try:
            part.touch(exist_ok=False)
            yield part
            with part.open("rb+") as file:
                os.fsync(file.fileno())
            part.replace(dst)
        finally:
            part.unlink(missing_ok=True)


@contextmanager
def spool(folder: Path) -> Generator[BinaryIO]:
    """Yield a nameless file on the disk of `folder`, which vanishes with its last user."""
    with storage_errors(), tempfile.TemporaryFile(dir=folder) as file:
        yield file


@contextmanager
def storage_errors() -> Generator[None]:
    """Turn what the operating system says of a failed write into StorageFailed.

    Raises:
        StorageFailed: `disk_full`, `no_permission`, `no_folder`, `is_directory` or
            `not_written`.
    """
    try:
        yield
    except OSError as error:
        raise storage_failed(error.errno or 0) from error


def is_the_disk(number: int) -> bool:
    """Return whether one of the operating system's error numbers tells of files and disks."""
    return number in _FULL | _NO_PERMISSION | _NO_FOLDER | _OF_DISKS


def storage_failed(number: int) -> StorageFailed:
    """Return the error for one of the operating system's error numbers."""
    if number in _FULL:
        return StorageFailed(
            "disk_full",
            "the new file does not fit on the disk; free some space or write it elsewhere",
            retryable=True,
        )
    if number in _NO_PERMISSION:
        return StorageFailed("no_permission", "there is no permission to write the new file")
    if number in _NO_FOLDER:
        return StorageFailed("no_folder", "the new file's folder does not exist")
    if number == errno.EISDIR:
        return StorageFailed("is_directory", "the new file's name is that of a folder")
    return StorageFailed(
        "not_written", f"the new file could not be written: {os.strerror(number)}", retryable=True
    )
