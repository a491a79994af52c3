"""A storage in a folder of this machine."""

from __future__ import annotations

import contextlib
import filecmp
import os
import secrets
import shutil
import stat
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from retake.storage.faults import another_file, not_there, told
from retake.storage.folder_uploads import FolderUploads
from retake.storage.names import Signer, checked_name
from retake.storage.storage import Stat

_INCOMING = ".incoming"
"""Unfinished files lie here. No name can reach it (names begin with a letter or a digit) and it is
on the same file system, so that a finished file appears by one rename."""
_PIECE = 256 * 1024


class LocalStorage(Signer):
    """Files below one folder; see `Storage` for what the methods do.

    Args:
        root: The folder; made when it is not there.
        secret: Signs URLs; at least 32 bytes, the same for every process and start.

    Raises:
        ValueError: The secret is too short to be one.
    """

    shared = False

    def __init__(self, root: Path, secret: bytes) -> None:
        super().__init__(secret)
        self._root = root
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
        return self._root / checked_name(name)

    def here(self, name: str) -> Path | None:
        """Return where the file lies, or would lie."""
        return self.path(name)

    def stat(self, name: str) -> Stat | None:
        """Return what is known of a file."""
        return _stat(name, self.path(name))

    def put(self, name: str, file: Path) -> None:
        """Take in a finished file.

        Where the file system can, both names share the same bytes.
        """
        target, part = self.path(name), self._part()
        with told(), _removed_on_error(part):
            _link_or_copy(file, part)
            with part.open("rb") as stream:
                os.fsync(stream.fileno())
            self._appear(part, target)

    @contextmanager
    def writing(self, name: str) -> Generator[BinaryIO]:
        """Open a file to write into."""
        with self.unfinished() as part:
            with told(), part.open("xb") as stream:
                yield stream
            self.keep(part, name)

    @contextmanager
    def unfinished(self) -> Generator[Path]:
        """Give where a file may be written that nobody sees."""
        part = self._part()
        try:
            yield part
        finally:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)

    def keep(self, part: Path, name: str) -> None:
        """Let an unfinished file appear, by one rename."""
        target = self.path(name)
        with told():
            with part.open("rb") as stream:
                os.fsync(stream.fileno())
            if not target.exists():
                self._appear(part, target)
            elif not filecmp.cmp(part, target, shallow=False):
                raise another_file()

    @contextmanager
    def local(self, name: str) -> Generator[Path]:
        """Give where the file lies."""
        path = self.path(name)
        if not path.is_file():
            raise not_there(name)
        yield path

    def bring(self, name: str, dest: Path) -> None:
        """Let the file appear at `dest` too."""
        part = dest.with_name(f".{secrets.token_hex(8)}")
        with self.local(name) as path, told(), _removed_on_error(part):
            dest.parent.mkdir(parents=True, exist_ok=True)
            _link_or_copy(path, part)
            part.replace(dest)
            part.unlink(missing_ok=True)

    async def open(self, name: str, first: int, end: int) -> AsyncIterator[bytes]:
        """Return some of the bytes of a file."""
        try:
            stream = self.path(name).open("rb")
        except OSError as error:
            raise not_there(name) from error
        return _read(stream, first, end)

    def folders(self, name: str) -> list[str]:
        """Return the folders right below a folder."""
        return [path.name for path in self.path(name).glob("*")]

    def files(self, name: str) -> Iterator[Stat]:
        """Yield all files below a folder."""
        for path in self.path(name).rglob("*"):
            if found := _stat(path.relative_to(self._root).as_posix(), path):
                yield found

    def delete_tree(self, name: str) -> None:
        """Remove the file or folder of that name."""
        path = self.path(name)
        with told():
            try:
                shutil.rmtree(path)
            except NotADirectoryError:
                path.unlink(missing_ok=True)
            except FileNotFoundError:
                return

    def sweep(self) -> None:
        """Remove what a killed process left unfinished."""
        for part in (self._root / _INCOMING).iterdir():
            part.unlink(missing_ok=True)

    def tidy(self) -> None:
        """Do nothing: there are no copies."""

    def link(self, name: str, seconds: int) -> str | None:  # noqa: ARG002 - there is none
        """Return None: only we give the files out."""
        return None

    def uploads(self, ttl_s: int, now: Callable[[], float]) -> FolderUploads:
        """Return the uploads in this storage."""
        return FolderUploads(self, ttl_s, now)

    def _part(self) -> Path:
        return self._root / _INCOMING / secrets.token_hex(16)

    def _appear(self, part: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        part.replace(target)
        # Of two links to one file (a step that is repeated) neither is renamed: POSIX rename.
        part.unlink(missing_ok=True)
        # A rename lasts once its folder, and the folders just made above it, are on the disk.
        folder = target.parent
        while True:
            _sync_folder(folder)
            if folder == self._root:
                return
            folder = folder.parent


def _stat(name: str, path: Path) -> Stat | None:
    try:
        found = path.stat()
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    etag = f"{found.st_ino:x}-{found.st_mtime_ns:x}-{found.st_size:x}"
    return Stat(name, found.st_size, etag, found.st_mtime)


async def _read(stream: BinaryIO, first: int, end: int) -> AsyncIterator[bytes]:
    with stream:
        stream.seek(first)
        while first < end and (piece := stream.read(min(_PIECE, end - first))):
            first += len(piece)
            yield piece


def _link_or_copy(file: Path, part: Path) -> None:
    try:
        part.hardlink_to(file)
    except OSError:
        # Another file system, or one without links.
        shutil.copyfile(file, part)


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
