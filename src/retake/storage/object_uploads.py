"""Uploads in a remote storage, which every server that uses it sees alike.

Objects are the record; there is no other. A finished upload is ``uploads/KEY/ID.TYPE``. What is
known of it lies where no name of a stored file can reach: ``.coming/KEY/ID.json`` what was
announced and when it was last used, ``.coming/KEY/ID/OFFSET`` the pieces of one on its way.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import obstore

from retake.storage.faults import not_there, told
from retake.storage.object_pieces import ObjectPiece, pieces_of
from retake.storage.storage import Stat
from retake.storage.upload import Upload
from retake.storage.uploads import UPLOAD_ID

if TYPE_CHECKING:
    from retake.storage.objects import ObjectStorage

_ROOM = ".coming"
"""Not .uploads: SeaweedFS has its own parts under that name, and lists nothing below it."""
_GRACE_S = 900
"""More than the clocks of two servers differ, and than a submit takes that uses an upload."""
_AT_ONCE = 16
_NOTE_EVERY_S = 60


class ObjectUploads:
    """See `Uploads`. For any number of processes and machines.

    Args:
        storage: Where they are.
        ttl_s: How long one is kept after it came or was last used, in seconds.
        now: Gives Unix time in seconds.
    """

    grace_s = _GRACE_S

    def __init__(self, storage: ObjectStorage, ttl_s: int, now: Callable[[], float]) -> None:
        self._storage = storage
        self.ttl_s = ttl_s
        self._now = now

    def announce(
        self,
        key_id: str,
        file_type: str,
        *,
        length: int | None = None,
        file_name: str | None = None,
        metadata: str | None = None,
    ) -> Upload:
        """Return a new upload; what was told of it is stored."""
        upload_id, now = secrets.token_hex(16), int(self._now())
        info = {
            "file_type": file_type,
            "length": length,
            "file_name": file_name,
            "metadata": metadata,
            "used_at": now,
        }
        self._note(key_id, upload_id, info)
        return Upload(key_id, upload_id, file_type, length, 0, file_name, now)

    def find(self, key_id: str, upload_id: str) -> Upload | None:
        """Return an upload of the key."""
        if UPLOAD_ID.fullmatch(upload_id) is None:
            return None
        info = self._info(key_id, upload_id)
        if info is None:
            return None
        stored = self._storage.stat(f"uploads/{key_id}/{upload_id}.{info['file_type']}")
        return self._known(key_id, upload_id, info, stored)

    def of_key(self, key_id: str) -> list[Upload]:
        """Return the key's uploads, the latest first."""
        with self._storage.asking():
            listed = obstore.list_with_delimiter(self._storage.store, f"{_ROOM}/{key_id}")
        ids = [meta["path"].rpartition("/")[2].partition(".")[0] for meta in listed["objects"]]
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            found = list(threads.map(partial(self.find, key_id), ids))
        return sorted(filter(None, found), key=lambda one: -one.touched_at)

    def expired(self) -> Iterator[tuple[str, str]]:
        """Yield key and id of every upload whose objects are all older than its time."""
        before = self._now() - self.ttl_s - self.grace_s
        latest: dict[tuple[str, str], float] = {}
        for root in ("uploads", _ROOM):
            for stored in self._storage.files(root):
                _, key_id, rest, *_ = [*stored.name.split("/"), "", ""]
                which = (key_id, rest.partition(".")[0])
                latest[which] = max(latest.get(which, 0.0), stored.modified)
        yield from (which for which, touched in latest.items() if touched < before)

    def remove(self, key_id: str, upload_id: str) -> None:
        """Remove an upload and all that is known of it."""
        info = self._info(key_id, upload_id)
        names = [piece.name for piece in self._storage.files(self._room(key_id, upload_id))]
        if info is not None:
            names.append(f"uploads/{key_id}/{upload_id}.{info['file_type']}")
        else:
            names += [
                stored.name
                for stored in self._storage.files(f"uploads/{key_id}")
                if stored.name.startswith(f"uploads/{key_id}/{upload_id}.")
            ]
        if names:
            self._storage.delete(names)
        # The announcement last: what a kill leaves behind is found, and expires.
        self._storage.delete([f"{self._room(key_id, upload_id)}.json"])

    def use(self, name: str) -> bool:
        """Begin an upload's time anew."""
        key_id, upload_id = name.split("/")[1], name.rpartition("/")[2].partition(".")[0]
        upload, now = self.find(key_id, upload_id), self._now()
        if upload is None or not upload.complete or upload.touched_at + self.ttl_s <= now:
            return False
        if upload.touched_at + _NOTE_EVERY_S < now:
            info = {**(self._info(key_id, upload_id) or {}), "file_type": upload.file_type}
            self._note(key_id, upload_id, {**info, "used_at": int(now)})
        return True

    def settle(self, key_id: str, upload_id: str) -> None:
        """Do nothing: what was not compared was not stored either."""

    def piece(self, upload: Upload, *, checked: bool) -> ObjectPiece:
        """Begin to add bytes behind those that are here."""
        return ObjectPiece(
            self._storage, self._room(upload.key_id, upload.upload_id), upload.offset, checked
        )

    @contextmanager
    def whole(self, upload: Upload) -> Generator[Path]:
        """Give a file of the bytes that are here, on this machine."""
        folder = self._room(upload.key_id, upload.upload_id)
        with self._storage.unfinished() as path:
            with told(), path.open("wb") as stream:
                for piece in pieces_of(self._storage, folder):
                    try:
                        with self._storage.asking():
                            found = obstore.get(self._storage.store, piece.name)
                            for data in found.stream():
                                stream.write(data)
                    except FileNotFoundError:
                        raise not_there(upload.name) from None
            yield path

    def finish(self, upload: Upload, whole: Path) -> None:
        """Let an upload whose bytes are all here become a stored file."""
        self._storage.put(upload.name, whole)
        folder = self._room(upload.key_id, upload.upload_id)
        self._storage.delete([piece.name for piece in self._storage.files(folder)])

    def _known(
        self, key_id: str, upload_id: str, info: dict[str, Any], stored: Stat | None
    ) -> Upload | None:
        """Return what is known of an upload whose stored file is `stored`."""
        touched, length = info.get("used_at", 0), info.get("length")
        if stored is not None:
            length = offset = stored.size
            touched = max(touched, int(stored.modified))
        elif length is None:
            return None
        else:
            pieces = pieces_of(self._storage, self._room(key_id, upload_id))
            offset = sum(piece.size for piece in pieces)
            touched = max([touched, *(int(piece.modified) for piece in pieces)])
        return Upload(
            key_id,
            upload_id,
            info["file_type"],
            length,
            offset,
            info.get("file_name"),
            touched,
            complete=stored is not None,
            metadata=info.get("metadata"),
        )

    def _info(self, key_id: str, upload_id: str) -> dict[str, Any] | None:
        try:
            with self._storage.asking():
                found = obstore.get(self._storage.store, f"{self._room(key_id, upload_id)}.json")
                return json.loads(bytes(found.bytes()))
        except FileNotFoundError:
            return None

    def _note(self, key_id: str, upload_id: str, info: dict[str, Any]) -> None:
        with self._storage.asking():
            obstore.put(
                self._storage.store,
                f"{self._room(key_id, upload_id)}.json",
                json.dumps(info).encode(),
            )

    @staticmethod
    def _room(key_id: str, upload_id: str) -> str:
        return f"{_ROOM}/{key_id}/{upload_id}"
