"""Named files in a folder: each is there whole or not at all, and given out by signed URLs.

A name is a relative path such as ``outputs/4f1c…/video.mp4``. Names are made by us, yet every one
that comes in from outside is checked before it touches the disk.
"""

from __future__ import annotations

import contextlib
import errno
import filecmp
import hmac
import os
import re
import secrets
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from retake.core.errors import BadRequest, StorageFailed

_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_MAX_PARTS = 8
_INCOMING = ".incoming"
"""Unfinished files lie here. No name can reach it (names begin with a letter or a digit) and it is
on the same file system, so that a finished file appears by one rename."""
_DOMAIN = b"retake file v1\n"
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_DENIED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


def safe_name(name: str) -> bool:
    """Return whether `name` is one that storage may hold: no ``..``, no root, no odd characters."""
    parts = name.split("/")
    return len(parts) <= _MAX_PARTS and all(_PART.fullmatch(part) for part in parts)


class LocalStorage:
    """Files below one folder.

    Args:
        root: The folder; made when it is not there.
        secret: Signs URLs; at least 32 bytes, the same for every process and start.

    Raises:
        ValueError: The secret is too short to be one.
    """

    def __init__(self, root: Path, secret: bytes) -> None:
        if len(secret) < 32:
            raise ValueError("the secret that signs URLs needs at least 32 bytes")
        self._root = root
        self._secret = secret
        (root / _INCOMING).mkdir(parents=True, exist_ok=True)

    @property
    def root(self) -> Path:
        """The folder of all files."""
        return self._root

    def path(self, name: str) -> Path:
        """Return where the file of that name lies, or would lie.

        Raises:
            BadRequest: The name is not a safe one (code ``bad_name``).
        """
        if not safe_name(name):
            raise BadRequest("bad_name", f"{name[:80]!r} is not the name of a file")
        return self._root / name

    def put(self, name: str, file: Path) -> Path:
        """Take in a finished file under `name`, replacing one of that name; return where it lies.

        `file` stays where it is. Where the file system can, both share the same bytes, so `file`
        may be deleted or replaced afterwards, but not written into.

        Raises:
            StorageFailed: It could not be written.
        """
        target, part = self.path(name), self._part()
        with told(), _removed_on_error(part):
            try:
                part.hardlink_to(file)
            except OSError:
                # Another file system, or one without links.
                shutil.copyfile(file, part)
            with part.open("rb") as stream:
                os.fsync(stream.fileno())
            self._appear(part, target)
        return target

    @contextmanager
    def writing(self, name: str) -> Generator[BinaryIO]:
        """Open a file to write into; it appears under `name` when the block ends without an error.

        Where a file of that name is there already, the new one must be equal to it: a name never
        changes what it stands for.

        Raises:
            StorageFailed: It could not be written, or another file has that name
                (code ``exists``).
        """
        with self.unfinished() as part:
            with told(), part.open("xb") as stream:
                yield stream
            self.keep(part, name)

    @contextmanager
    def unfinished(self) -> Generator[Path]:
        """Yield where a file may be written that nobody sees; it is gone when the block ends."""
        part = self._part()
        try:
            yield part
        finally:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)

    def keep(self, part: Path, name: str) -> None:
        """Let an unfinished file appear under `name`; what stands there already must be equal.

        Raises:
            StorageFailed: It could not be written, or another file has that name
                (code ``exists``).
        """
        target = self.path(name)
        with told():
            with part.open("rb") as stream:
                os.fsync(stream.fileno())
            if not target.exists():
                self._appear(part, target)
            elif not filecmp.cmp(part, target, shallow=False):
                raise StorageFailed("exists", "another file was already stored there")

    def delete_tree(self, name: str) -> None:
        """Remove the file or folder of that name; nothing happens where there is none.

        Raises:
            StorageFailed: It could not be removed.
        """
        path = self.path(name)
        with told():
            try:
                shutil.rmtree(path)
            except NotADirectoryError:
                path.unlink(missing_ok=True)
            except FileNotFoundError:
                return

    def sweep(self) -> None:
        """Remove what a killed process left unfinished; only while nobody writes."""
        for part in (self._root / _INCOMING).iterdir():
            part.unlink(missing_ok=True)

    def sign(self, name: str, expires_at: int, method: str) -> str:
        """Return the signature that lets its bearer use `method` on `name` until `expires_at`.

        HMAC-SHA256 as 64 hexadecimal digits; `expires_at` is Unix time in seconds.
        """
        text = f"{method}\n{expires_at}\n{name}".encode()
        return hmac.digest(self._secret, _DOMAIN + text, "sha256").hex()

    def check(self, name: str, expires_at: int, method: str, signature: str) -> bool:
        """Return whether `sign` gave this signature; whether it has expired is not asked here."""
        good = self.sign(name, expires_at, method).encode()
        return hmac.compare_digest(good, signature.encode("utf-8", "replace"))

    def _part(self) -> Path:
        return self._root / _INCOMING / secrets.token_hex(16)

    def _appear(self, part: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        part.replace(target)
        # A rename lasts once its folder, and the folders just made above it, are on the disk.
        folder = target.parent
        while True:
            _sync_folder(folder)
            if folder == self._root:
                return
            folder = folder.parent


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextmanager
def _removed_on_error(part: Path) -> Generator[None]:
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise


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
