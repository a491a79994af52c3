from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from retake.queue.data_dir import DataDir
from retake.storage import Storage
from tests.api import live as api_live
from tests.api.live import Live, live
from tests.s3 import S3Server
from tests.storages import s3_storage


@pytest.fixture(params=["folder", "s3"], autouse=True)
def where(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What holds for uploads holds wherever they are stored."""
    if request.param == "s3":
        server: S3Server = request.getfixturevalue("s3")

        def in_a_bucket(data_dir: DataDir) -> Storage:
            return s3_storage(server, server.url(), data_dir.path / "copies")

        monkeypatch.setattr(api_live, "open_storage", in_a_bucket)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Live]:
    """A server of its own."""
    with live(tmp_path) as running:
        yield running


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """One server for all tests of a file that leave nothing behind."""
    with live(tmp_path_factory.mktemp("shared"), max_body_bytes=64 * 1024) as running:
        yield running
