from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from retake import Client
from tests.api.live import Live, live
from tests.client.engine import Played, played
from tests.client.proxy import Proxy, proxied


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Live]:
    """A server of its own, whose engine nobody plays yet."""
    with live(tmp_path) as running:
        yield running


@pytest.fixture
def engine(server: Live) -> Iterator[Played]:
    """The server's engine, at work."""
    with played(server) as engine:
        yield engine


@pytest.fixture
def client(server: Live) -> Iterator[Client]:
    with Client(server.url, server.key, patience_s=20) as client:
        yield client


@pytest.fixture
def proxy(server: Live) -> Iterator[Proxy]:
    with proxied(server.port) as running:
        yield running


@pytest.fixture
def through(server: Live, proxy: Proxy) -> Iterator[Client]:
    """A client whose connections all go through the proxy."""
    with Client(proxy.url, server.key, patience_s=20) as client:
        yield client
