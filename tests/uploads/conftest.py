from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.live import Live, live


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
