"""One `retake serve` with its real engine, HTTPS in front of it, for all published clients."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import httpx
import pytest

from tests.clients.tls import TlsFront
from tests.clips import make_clip
from tests.e2e.server import PREFIX, Server

MODEL = "ltx-2-pro-retake"


@dataclass(frozen=True)
class Service:
    """The server, and how it is reached."""

    server: Server
    front: TlsFront
    http: str
    """Its address without TLS."""

    @property
    def key(self) -> str:
        return self.server.key

    def call(self) -> httpx.Client:
        """Return a plain client of the API, which sees what the published ones did."""
        bearer = {"Authorization": f"Bearer {self.key}"}
        base = self.http + PREFIX
        return httpx.Client(base_url=base, headers=bearer, timeout=60, trust_env=False)

    def upload(self, file: Path) -> str:
        """Upload as recorded clients do, and return what names it as video_uri."""
        with self.call() as client:
            urls = client.post("/upload-url", json={"file_type": "mp4"}).json()
            put = client.put(
                urls["upload_url"].replace(self.front.url, self.http),
                content=file.read_bytes(),
                headers={"Content-Type": "video/mp4"},
            )
            assert put.is_success, put.text
        return urls["public_url"]


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("service")
    front = TlsFront(folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        front.target_port = probe.getsockname()[1]
    server = Server(folder / "data", port=front.target_port, base_url=front.url)
    server.start()
    yield Service(server, front, f"http://127.0.0.1:{front.target_port}")
    front.close()
    assert server.stop() == 0


@pytest.fixture
def trusted(service: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    """Let clients in this process trust the server's certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", str(service.front.certificate))
    monkeypatch.setenv("NO_PROXY", "*")
    return service


@pytest.fixture(scope="package")
def video(service: Service, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of an uploaded clip of 2.5 s."""
    clip = tmp_path_factory.mktemp("clip") / "clip.mp4"
    return service.upload(make_clip(clip, seconds=2.5, size=(96, 64), fps=Fraction(12)))
