"""The storage that the settings name: a folder of this machine, or a bucket that machines share."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retake.queue.data_dir import DataDir
    from retake.settings import Settings
    from retake.storage import Storage


def open_storage(chosen: Settings, data_dir: DataDir) -> Storage:
    """Return the storage; the secret that signs its URLs is made once, whoever comes first.

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
    from retake.storage.s3 import open_store, shared_secret

    address = parse_address(chosen.storage)
    store = open_store(address)
    secret = shared_secret(store, address)
    copies = Copies(data_dir.path / "copies", chosen.storage_cache_bytes)
    return ObjectStorage(store, address, secret, copies)


def _secret(data_dir: DataDir) -> bytes:
    try:
        fd = os.open(data_dir.secret, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        pass
    else:
        with os.fdopen(fd, "wb") as secret:
            secret.write(secrets.token_bytes(32))
    return data_dir.secret.read_bytes()
