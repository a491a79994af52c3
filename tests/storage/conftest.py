from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from retake.storage import LocalStorage, Storage
from tests.s3 import S3Server
from tests.storages import s3_storage

SECRET = bytes(range(32))


@pytest.fixture(params=["folder", "bucket"])
def reopened(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Storage]:
    """Open the same storage once more, as another process would."""
    if request.param == "folder":
        return lambda: LocalStorage(tmp_path / "files", SECRET)
    server: S3Server = request.getfixturevalue("s3")
    url = server.url()
    return lambda: s3_storage(server, url, tmp_path / "copies")


@pytest.fixture
def storage(reopened: Callable[[], Storage]) -> Storage:
    """A storage of either kind."""
    return reopened()
