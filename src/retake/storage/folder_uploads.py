"""Uploads in a folder of this machine.

The folders are the record; there is no other. A finished upload is the stored file
``uploads/KEY/ID.TYPE``, which expires some time after it came or was last used. What is known of
one on its way lies apart, where no name of a stored file can reach it: ``ID.json`` what was
announced, ``ID.part`` the bytes so far, ``ID.chunk`` where a piece began that is still to be
compared with its checksum.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from retake.storage.faults import told
from retake.storage.upload import Upload
from retake.storage.uploads import UPLOAD_ID

if TYPE_CHECKING:
    from retake.storage.local import LocalStorage

_ROOM = ".uploads"


class FolderUploads:
    """See `Uploads`. For one process; what it says is read from the disk each time.

    Args:
        storage: Where finished ones are.
        ttl_s: How long one is kept after it came or was last used, in seconds.
        now: Gives Unix time in seconds.
    """

    grace_s = 0

    def __init__(self, storage: LocalStorage, ttl_s: int, now: Callable[[], float]) -> None:
        self._storage = storage
        self.ttl_s = ttl_s
        self._now = now
        self._room = storage.root / _ROOM

    def announce(
        self,
        key_id: str,
        file_type: str,
        *,
        length: int | None = None,
        file_name: str | None = None,
        metadata: str | None = None,
    ) -> Upload:
        """Return a new upload; what was told of it is on the disk, where anything was."""
        upload_id = secrets.token_hex(16)
        if length is not None or file_name is not None:
            info = {
                "file_type": file_type,
                "length": length,
                "file_name": file_name,
                "metadata": metadata,
            }
            with told():
                self._write(self._beside(key_id, upload_id, "json"), json.dumps(info))
        return Upload(key_id, upload_id, file_type, length, 0, file_name, int(self._now()))

    def find(self, key_id: str, upload_id: str) -> Upload | None:
        """Return an upload of the key; None where it has none of that id."""
        if UPLOAD_ID.fullmatch(upload_id) is None:
            return None
        stored = next(self._folder(key_id).glob(f"{upload_id}.*"), None)
        return self._known(key_id, upload_id, stored)

    def of_key(self, key_id: str) -> list[Upload]:
        """Return the key's uploads, those on their way too, the latest first."""
        stored = {path.stem: path for path in self._folder(key_id).glob("*.*")}
        ids = stored.keys() | {path.stem for path in (self._room / key_id).glob("*.json")}
        found = (self._known(key_id, upload_id, stored.get(upload_id)) for upload_id in ids)
        return sorted(filter(None, found), key=lambda one: -one.touched_at)

    def expired(self) -> Iterator[tuple[str, str]]:
        """Yield key and id of every upload whose time is over, those that never came too."""
        before = self._now() - self.ttl_s
        latest: dict[tuple[str, str], float] = {}
        for root in (self._storage.root / "uploads", self._room):
            for path in root.glob("*/*"):
                which = (path.parent.name, path.stem)
                latest[which] = max(latest.get(which, 0), _size_and_time(path)[1])
        yield from (which for which, touched in latest.items() if touched < before)

    def remove(self, key_id: str, upload_id: str) -> None:
        """Remove an upload and all that is known of it.

        Raises:
            StorageFailed: It could not be removed.
        """
        with told():
            # The announcement last: what a kill leaves behind is found, and expires.
            for path in self._folder(key_id).glob(f"{upload_id}.*"):
                path.unlink(missing_ok=True)
            for ending in ("part", "chunk", "json"):
                self._beside(key_id, upload_id, ending).unlink(missing_ok=True)

    def settle(self, key_id: str, upload_id: str) -> None:
        """Take back a piece that was not compared with its checksum, if there is one."""
        mark = self._beside(key_id, upload_id, "chunk")
        if not mark.exists():
            return
        with told():
            text = mark.read_text()
            # A kill may have come before the number was written, and then before any byte was, too.
            if text.isdecimal() and (part := self._beside(key_id, upload_id, "part")).exists():
                os.truncate(part, int(text))
            mark.unlink(missing_ok=True)

    def piece(self, upload: Upload, *, checked: bool) -> FilePiece:
        """Begin to add bytes behind those that are here."""
        if checked:
            with told():
                self._beside(upload.key_id, upload.upload_id, "chunk").write_text(
                    str(upload.offset)
                )
        return FilePiece(self, upload, self._beside(upload.key_id, upload.upload_id, "part"))

    @contextmanager
    def whole(self, upload: Upload) -> Generator[Path]:
        """Give the file of the bytes that are here."""
        yield self._beside(upload.key_id, upload.upload_id, "part")

    def finish(self, upload: Upload, whole: Path) -> None:
        """Let an upload whose bytes are all here become a stored file."""
        self._storage.put(upload.name, whole)
        with told():
            whole.unlink(missing_ok=True)

    def compared(self, upload: Upload) -> None:
        """Let what was written count."""
        self._beside(upload.key_id, upload.upload_id, "chunk").unlink(missing_ok=True)

    def use(self, name: str) -> bool:
        """Begin an upload's time anew; return whether its stored file is there."""
        now = self._now()
        try:
            os.utime(self._storage.path(name), (now, now))
        except OSError:
            return False
        return True

    def _known(self, key_id: str, upload_id: str, stored: Path | None) -> Upload | None:
        """Return what is known of an upload whose stored file is `stored`."""
        info = self._info(key_id, upload_id)
        told = info or {}
        if stored is not None:
            size, touched = _size_and_time(stored)
            file_type, length = stored.suffix.removeprefix("."), size
        elif info is None or info.get("length") is None:
            return None
        else:
            size, touched = _size_and_time(self._beside(key_id, upload_id, "part"))
            touched = touched or _size_and_time(self._beside(key_id, upload_id, "json"))[1]
            file_type, length = info["file_type"], info["length"]
        return Upload(
            key_id,
            upload_id,
            file_type,
            length,
            size,
            told.get("file_name"),
            touched,
            complete=stored is not None,
            metadata=told.get("metadata"),
        )

    def _info(self, key_id: str, upload_id: str) -> dict[str, Any] | None:
        try:
            return json.loads(self._beside(key_id, upload_id, "json").read_bytes())
        except OSError:
            return None

    def _folder(self, key_id: str) -> Path:
        return self._storage.root / "uploads" / key_id

    def _beside(self, key_id: str, upload_id: str, ending: str) -> Path:
        return self._room / key_id / f"{upload_id}.{ending}"

    def _write(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._storage.unfinished() as part:
            part.write_text(text)
            with part.open("rb") as stream:
                os.fsync(stream.fileno())
            part.replace(path)


def _size_and_time(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return 0, 0
    return status.st_size, int(status.st_mtime)


class FilePiece:
    """Bytes at the end of a file; see `Piece`. Unbuffered: a kill loses nothing that was written.

    Args:
        uploads: Whose it is.
        upload: What it is added to.
        part: The file.
    """

    def __init__(self, uploads: FolderUploads, upload: Upload, part: Path) -> None:
        self._uploads = uploads
        self._upload = upload
        self._part = part
        self._stream: IO[bytes] | None = None

    def write(self, data: bytes) -> None:
        """Add bytes."""
        with told():
            if self._stream is None:
                self._stream = self._part.open("ab", 0)
            # Without a buffer a write may be a part of it.
            while data:
                data = data[self._stream.write(data) :]

    def keep(self) -> None:
        """Let them reach the disk, then count."""
        with told():
            if self._stream is not None:
                os.fsync(self._stream.fileno())
                self._stream.close()
        self._uploads.compared(self._upload)

    def leave(self) -> None:
        """End after an error."""
        if self._stream is not None:
            self._stream.close()
        self._uploads.settle(self._upload.key_id, self._upload.upload_id)
