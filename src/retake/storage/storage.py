"""What the API and the steps need of a storage, wherever its files lie.

A name is a relative path such as ``outputs/4f1c…/video.mp4``. Names are made by us, yet every one
that comes in from outside is checked before anything is done with it. A file is there whole or not
at all.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from retake.storage.uploads import Uploads


@dataclass(frozen=True, slots=True)
class Stat:
    """What is known of a stored file without reading it.

    Attributes:
        name: Its name.
        size: Its bytes.
        etag: Changes with what is in it; without quotes.
        modified: When it was stored, in Unix time.
    """

    name: str
    size: int
    etag: str
    modified: float


class Storage(Protocol):
    """Named files. Every method but `open` blocks; a remote one may take seconds.

    Any of them may raise StorageFailed: ``disk_full``, ``no_permission`` or ``storage`` of this
    machine's disk, ``storage_unavailable`` (retryable) of a remote storage; and BadRequest
    (``bad_name``) for a name that is not a safe one.
    """

    @property
    def shared(self) -> bool:
        """Whether the files lie elsewhere, where other machines see them too."""
        ...

    def here(self, name: str) -> Path | None:
        """Return where the file lies, or would lie, on this machine; None for a remote storage."""
        ...

    def stat(self, name: str) -> Stat | None:
        """Return what is known of a file; None where there is none of that name."""
        ...

    def put(self, name: str, file: Path) -> None:
        """Take in a finished file under `name`, replacing one of that name; `file` stays.

        `file` may be deleted or replaced afterwards, but not written into.
        """
        ...

    def writing(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Open a file to write into; it is kept (see `keep`) when the block ends well."""
        ...

    def unfinished(self) -> AbstractContextManager[Path]:
        """Give where a file may be written that nobody sees; it is gone when the block ends."""
        ...

    def keep(self, part: Path, name: str) -> None:
        """Let an unfinished file appear under `name`; what stands there already must be equal.

        Raises:
            StorageFailed: Another file has that name (``exists``).
        """
        ...

    def local(self, name: str) -> AbstractContextManager[Path]:
        """Give a path at which the file can be read for as long as the block lasts.

        Raises:
            StorageFailed: There is no such file (``file_gone``).
        """
        ...

    def bring(self, name: str, dest: Path) -> None:
        """Let the file appear at `dest`, which stays, whole or not at all; it is not to be changed.

        Raises:
            StorageFailed: There is no such file (``file_gone``).
        """
        ...

    async def open(self, name: str, first: int, end: int) -> AsyncIterator[bytes]:
        """Return the bytes [first, end) of a file, once the first of them can be had.

        Raises:
            StorageFailed: There is no such file (``file_gone``).
        """
        ...

    def folders(self, name: str) -> list[str]:
        """Return the last part of the names of the folders right below a folder.

        Some may be empty: of what was just removed.
        """
        ...

    def files(self, name: str) -> Iterable[Stat]:
        """Yield all files below a folder, at any depth."""
        ...

    def delete_tree(self, name: str) -> None:
        """Remove the file or folder of that name; nothing happens where there is none."""
        ...

    def sweep(self) -> None:
        """Remove what killed processes of this machine left unfinished; only while none writes."""
        ...

    def tidy(self) -> None:
        """Remove copies on this machine that nobody used for a while."""
        ...

    def link(self, name: str, seconds: int) -> str | None:
        """Return a URL at which the storage itself gives the file out; None where it has none."""
        ...

    def uploads(self, ttl_s: int, now: Callable[[], float]) -> Uploads:
        """Return the uploads in this storage; see `Uploads`."""
        ...

    def sign(self, name: str, expires_at: int, method: str) -> str:
        """Return what `names.Signer.sign` gives."""
        ...

    def check(self, name: str, expires_at: int, method: str, signature: str) -> bool:
        """Return what `names.Signer.check` gives."""
        ...
