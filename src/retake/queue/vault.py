"""Keys that requests bring along for others: kept until the request has ended, never in clear.

A request must survive a restart, so the key that pays for it upstream has to. It is encrypted
(AES-128-CBC with HMAC-SHA256, as `cryptography`'s Fernet) under a key made from the data folder's
secret, in a file of its own that goes with the request: not in the database's file, whose pages
and backups would keep it. Many machines have no folder in common; there it is a row in the same
form, which ends with the request by a trigger.
"""

from __future__ import annotations

import base64
import json
import os
import re
from pathlib import Path
from typing import Protocol

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NAME = re.compile(r"[0-9A-Za-z_-]{1,128}", re.ASCII)
_PURPOSE = b"retake upstream keys v1"


class KeptKeys(Protocol):
    """Where such keys are; none of it is async, and all of it quick or called on a thread."""

    def keep(self, request_id: str, owner: str, key: str) -> None:
        """Keep a request's key; it is on the disk when this returns."""
        ...

    def key_of(self, request_id: str) -> str | None:
        """Return the key that a request brought along; None when it brought none."""
        ...

    def kept(self) -> list[tuple[str, str]]:
        """Return the requests that have a key here, each with its owner; sweep what is no key."""
        ...

    def forget(self, request_id: str) -> None:
        """Delete a request's key; nothing happens where it has none."""
        ...


class Box:
    """Seals keys, and opens what it has sealed.

    Args:
        secret: At least 32 bytes.
    """

    def __init__(self, secret: bytes) -> None:
        derived = HKDF(SHA256(), 32, None, _PURPOSE).derive(secret)
        self._box = Fernet(base64.urlsafe_b64encode(derived))

    def seal(self, request_id: str, owner: str, key: str) -> bytes:
        """Return a request's key and its owner, unreadable without the secret."""
        # With the request's id inside, one request's key is of no use to another.
        return self._box.encrypt(json.dumps([request_id, owner, key]).encode())

    def open(self, request_id: str, sealed: bytes) -> tuple[str | None, str | None]:
        """Return the owner and the key; None and None where it is not that request's."""
        try:
            name, owner, key = json.loads(self._box.decrypt(sealed))
        except (ValueError, InvalidToken):
            return None, None
        return (owner, key) if name == request_id else (None, None)


class Vault:
    """The kept keys of one data folder.

    Args:
        folder: Where they lie; made, for its owner only, when the first one is kept.
        secret: The data folder's secret, at least 32 bytes.
    """

    def __init__(self, folder: Path, secret: bytes) -> None:
        self._folder = folder
        self._box = Box(secret)

    def keep(self, request_id: str, owner: str, key: str) -> None:
        """Keep a request's key; it is on the disk when this returns.

        Args:
            request_id: Whose key it is.
            owner: Id of the API key that sent the request.
            key: What it brought along.

        Raises:
            OSError: It could not be written.
        """
        self._folder.mkdir(mode=0o700, exist_ok=True)
        sealed = self._box.seal(request_id, owner, key)
        path = self._path(request_id)
        part = path.with_suffix(".part")
        fd = os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(sealed)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def key_of(self, request_id: str) -> str | None:
        """Return the key that a request brought along; None when it brought none."""
        return self._opened(request_id)[1]

    def kept(self) -> list[tuple[str, str]]:
        """Return the requests that have a key here, each with its owner; sweep what is no key."""
        found: list[tuple[str, str]] = []
        for path in self._folder.iterdir() if self._folder.is_dir() else ():
            owner, key = self._opened(path.name)
            if owner is None or key is None:
                path.unlink(missing_ok=True)
            else:
                found.append((path.name, owner))
        return found

    def forget(self, request_id: str) -> None:
        """Delete a request's key; nothing happens where it has none."""
        self._path(request_id).unlink(missing_ok=True)

    def _opened(self, request_id: str) -> tuple[str | None, str | None]:
        try:
            return self._box.open(request_id, self._path(request_id).read_bytes())
        except OSError:
            return None, None

    def _path(self, request_id: str) -> Path:
        if _NAME.fullmatch(request_id) is None:
            raise ValueError(f"{request_id!r} is no request's id")
        return self._folder / request_id
