"""A remote storage as the server opens it, on the S3-compatible server of the tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from retake.storage.address import parse_address
from retake.storage.copies import Copies
from retake.storage.objects import ObjectStorage
from retake.storage.s3 import open_store, shared_secret
from tests.s3 import S3Server


def s3_storage(
    server: S3Server,
    url: str,
    folder: Path,
    *,
    cache_bytes: int = 1024**3,
    retry_s: float = 30.0,
) -> ObjectStorage:
    """Open a storage; `folder` holds the copies of this machine, as the settings would say."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.env.items():
            patch.setenv(name, value)
        address = parse_address(url)
        store = open_store(address, retry_s=retry_s)
        secret = shared_secret(store, address)
    return ObjectStorage(store, address, secret, Copies(folder, cache_bytes))
