"""A storage in a bucket of an S3-compatible server, shared by all machines that use it."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import obstore
from obstore.exceptions import AlreadyExistsError

from retake.core.errors import StorageFailed
from retake.storage.address import S3Address
from retake.storage.copies import Copies
from retake.storage.faults import another_file, not_there, told
from retake.storage.names import Signer, checked_name
from retake.storage.object_uploads import ObjectUploads
from retake.storage.s3 import asked, what_failed
from retake.storage.storage import Stat

if TYPE_CHECKING:
    from obstore.store import S3Store

_PART_BYTES = 16 * 1024**2
"""Larger files are sent in parts of this size, four at a time."""
_AT_ONCE = 4
_PIECE = 256 * 1024


class ObjectStorage(Signer):
    """Files in a bucket; see `Storage` for what the methods do.

    An object is there once all of it is: unfinished ones are nothing that could be seen.

    Args:
        store: The connection.
        address: Where that leads, for messages.
        secret: Signs URLs; the same for everybody who uses this storage.
        copies: Where copies on this machine lie.
    """

    shared = True

    def __init__(self, store: S3Store, address: S3Address, secret: bytes, copies: Copies) -> None:
        super().__init__(secret)
        self.store = store
        self.address = address
        self._copies = copies

    def here(self, name: str) -> Path | None:
        """Return None: it lies elsewhere."""
        checked_name(name)

    def stat(self, name: str) -> Stat | None:
        """Return what is known of a file."""
        with self.asking():
            try:
                return _stat(obstore.head(self.store, checked_name(name)))
            except FileNotFoundError:
                return None

    def put(self, name: str, file: Path) -> None:
        """Take in a finished file."""
        with self.asking():
            obstore.put(
                self.store,
                checked_name(name),
                file,
                chunk_size=_PART_BYTES,
                max_concurrency=_AT_ONCE,
            )

    @contextmanager
    def writing(self, name: str) -> Generator[BinaryIO]:
        """Open a file to write into."""
        with self.unfinished() as part:
            with told(), part.open("xb") as stream:
                yield stream
            self.keep(part, name)

    @contextmanager
    def unfinished(self) -> Generator[Path]:
        """Give where a file may be written: on this machine's disk."""
        with self._copies.unfinished() as part:
            yield part

    def keep(self, part: Path, name: str) -> None:
        """Let an unfinished file appear.

        Small ones are put only if there is none. Large ones go in parts, which cannot be put so:
        it is looked before.
        """
        if (known := self.stat(name)) is None:
            if part.stat().st_size > _PART_BYTES:
                self.put(name, part)
                return
            with self.asking():
                try:
                    obstore.put(self.store, name, part, mode="create", use_multipart=False)
                except AlreadyExistsError:
                    known = self.stat(name)
                else:
                    return
        if known is None or not self._equal(part, known):
            raise another_file()

    @contextmanager
    def local(self, name: str) -> Generator[Path]:
        """Give a copy on this machine."""
        stored = self.stat(name)
        if stored is None:
            raise not_there(name)
        with self._copies.borrowed(stored, lambda path: self._fetch(name, path)) as path:
            yield path

    def bring(self, name: str, dest: Path) -> None:
        """Let the file appear at `dest`."""
        part = dest.with_name(f".{secrets.token_hex(8)}")
        try:
            with told():
                dest.parent.mkdir(parents=True, exist_ok=True)
            self._fetch(name, part)
            with told():
                part.replace(dest)
        finally:
            part.unlink(missing_ok=True)

    async def open(self, name: str, first: int, end: int) -> AsyncIterator[bytes]:
        """Return some of the bytes of a file."""
        with self.asking():
            try:
                found = await obstore.get_async(
                    self.store, checked_name(name), options={"range": (first, end)}
                )
            except FileNotFoundError:
                raise not_there(name) from None
        return self._stream(found.stream(_PIECE))

    def folders(self, name: str) -> list[str]:
        """Return the folders right below a folder."""
        with self.asking():
            found = obstore.list_with_delimiter(self.store, name)
        return [prefix.rstrip("/").rpartition("/")[2] for prefix in found["common_prefixes"]]

    def files(self, name: str) -> Iterator[Stat]:
        """Yield all files below a folder."""
        with self.asking():
            for batch in obstore.list(self.store, name or None):
                yield from map(_stat, batch)

    def delete_tree(self, name: str) -> None:
        """Remove the file or folder of that name."""
        checked_name(name)
        self.delete([name, *(found.name for found in self.files(name))])

    def delete(self, names: list[str]) -> None:
        """Remove objects; nothing happens where there are none."""
        with self.asking():
            try:
                obstore.delete(self.store, names)
            except FileNotFoundError:
                return

    def sweep(self) -> None:
        """Remove what killed processes of this machine left."""
        self._copies.sweep()

    def tidy(self) -> None:
        """Remove copies that nobody used for a while."""
        self._copies.tidy()

    def link(self, name: str, seconds: int) -> str | None:
        """Return a URL signed for the storage itself."""
        with self.asking():
            return obstore.sign(
                self.store, "GET", checked_name(name), timedelta(seconds=min(seconds, 604800))
            )

    def uploads(self, ttl_s: int, now: Callable[[], float]) -> ObjectUploads:
        """Return the uploads in this storage."""
        return ObjectUploads(self, ttl_s, now)

    def asking(self) -> Any:
        """Give what turns the server's answers into errors for users."""
        return asked(self.address)

    def _fetch(self, name: str, dest: Path) -> None:
        try:
            with self.asking():
                found = obstore.get(self.store, checked_name(name))
                with told(), dest.open("wb") as stream:
                    for piece in found.stream(_PIECE):
                        stream.write(piece)
                    stream.flush()
                    os.fsync(stream.fileno())
        except FileNotFoundError:
            raise not_there(name) from None

    def _equal(self, part: Path, known: Stat) -> bool:
        if part.stat().st_size != known.size:
            return False
        with self.asking(), told(), part.open("rb") as stream:
            found = obstore.get(self.store, known.name)
            return all(stream.read(len(piece)) == bytes(piece) for piece in found.stream(_PIECE))

    async def _stream(self, pieces: Any) -> AsyncIterator[bytes]:
        try:
            async for piece in pieces:
                yield bytes(piece)
        except Exception as error:
            # The answer has begun: all that can be done is to end it before its end.
            found = what_failed(error)
            raise StorageFailed("storage_unavailable", f"sending broke off: {found}") from error


def _stat(meta: Mapping[str, Any]) -> Stat:
    etag = str(meta["e_tag"] or "").strip('"') or f"{meta['last_modified'].timestamp():.0f}"
    return Stat(meta["path"], meta["size"], etag, meta["last_modified"].timestamp())
