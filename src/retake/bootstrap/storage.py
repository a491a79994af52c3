"""The storage that the settings name: a folder of this machine, or a bucket that machines share."""

from __future__ import annotations

import logging
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from retake.core.errors import StorageFailed

if TYPE_CHECKING:
    from retake.queue.data_dir import DataDir
    from retake.settings import Settings
    from retake.storage import Storage

_log = logging.getLogger(__name__)


def open_storage(chosen: Settings, data_dir: DataDir, *, patient: bool = False) -> Storage:
    """Return the storage; the secret that signs its URLs is made once, whoever comes first.

    Args:
        chosen: The settings.
        data_dir: Where the folder is, or copies of what is in a bucket.
        patient: Whether a bucket that fails is asked again for minutes.

    Raises:
        BadRequest: The setting `storage` is malformed (``bad_storage``).
        StorageFailed: The storage cannot be used as it is (``storage_unavailable``).
    """
    if chosen.storage is None:
        from retake.storage import LocalStorage

        return LocalStorage(data_dir.files, _secret(data_dir))
    from retake.storage.address import parse_address
    from retake.storage.copies import Copies
    from retake.storage.objects import ObjectStorage
    from retake.storage.s3 import PATIENT_RETRY_S, RETRY_S, open_store, shared_secret

    address = parse_address(chosen.storage)
    store = open_store(address, retry_s=PATIENT_RETRY_S if patient else RETRY_S)
    secret = shared_secret(store, address)
    _remember(data_dir, secret)
    copies = Copies(data_dir.path / "copies", chosen.storage_cache_bytes)
    return ObjectStorage(store, address, secret, copies)


def existing_storage(chosen: Settings) -> tuple[Storage, str] | None:
    """Return the storage that a server has used, and where it is; None where none has yet.

    Raises:
        BadRequest: The setting `storage` is malformed (``bad_storage``).
        StorageFailed: The storage cannot be used as it is (``storage_unavailable``).
    """
    from retake.queue.data_dir import DataDir

    folder = chosen.data_dir.expanduser()
    if chosen.storage is None:
        if not (folder / "secret").exists():
            return None
        return open_storage(chosen, DataDir(folder)), str(folder / "files")
    from retake.storage.address import parse_address

    return open_storage(chosen, DataDir(folder)), str(parse_address(chosen.storage))


def remove_handed_over(storage: Storage, request_id: str) -> None:
    """Remove what machines handed over to each other for a request that has ended.

    What cannot be removed now is removed by a server's cleaner.
    """
    if not storage.shared:
        return
    try:
        storage.delete_tree(f"work/{request_id}")
    except StorageFailed as error:
        _log.warning("%s", error, extra={"request_id": request_id})


def _secret(data_dir: DataDir) -> bytes:
    if not data_dir.secret.exists():
        part = _written(data_dir, secrets.token_bytes(32))
        with suppress(FileExistsError):
            data_dir.secret.hardlink_to(part)
        part.unlink()
    return data_dir.secret.read_bytes()


def _remember(data_dir: DataDir, secret: bytes) -> None:
    """Keep the secret that all machines share where what else needs one looks for it."""
    with suppress(FileNotFoundError):
        if data_dir.secret.read_bytes() == secret:
            return
    _written(data_dir, secret).replace(data_dir.secret)


def _written(data_dir: DataDir, secret: bytes) -> Path:
    part = data_dir.path / f".secret-{secrets.token_hex(8)}"
    with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as stream:
        stream.write(secret)
    return part
