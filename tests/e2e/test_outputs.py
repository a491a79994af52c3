"""Uploads and outputs of a real server, killed at the worst moments."""

from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import av
import httpx
import pytest
from tusclient.client import TusClient

from tests.e2e.server import PREFIX, Server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server that may reach this machine, and that each test stops or kills itself."""
    running = Server(tmp_path / "data", fetch_allow_private="1").start()
    yield running
    running.kill() if running.process.poll() is None else None


class Storage:
    """Takes PUTs, but not before it is told to."""

    def __init__(self) -> None:
        self.got: list[tuple[str, int]] = []
        self.asked = threading.Event()
        self.open = threading.Event()
        storage = self

        class Takes(BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                storage.asked.set()
                data = self.rfile.read(int(self.headers["Content-Length"]))
                taken = storage.open.is_set()
                if taken:
                    storage.got.append((self.path, len(data)))
                self.send_response(201 if taken else 503)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Takes)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def storage() -> Iterator[Storage]:
    made = Storage()
    yield made
    made.close()


def test_a_resumed_upload_becomes_files_that_are_sent_on_whatever_is_killed(
    server: Server, storage: Storage, clip: Path
) -> None:
    url = _uploaded_over_a_kill(server, clip)
    payload = {
        "video_uri": url,
        "start_time": 1,
        "duration": 2,
        "prompt": "rain",
        "output_put_url": {
            "video": f"{storage.url}/b/v.mp4?signature=secret",
            "audio": f"{storage.url}/b/a.m4a",
        },
    }
    with server.client() as client:
        answer = client.post(
            "/requests",
            json={"model": "ltx-2-pro-retake", "payload": payload},
            headers={"Prefer": "respond-async"},
        )
        assert answer.status_code == 202, answer.text
    assert storage.asked.wait(60)
    server.kill()
    storage.open.set()
    server.start()
    record = server.ended(answer.json()["request_id"])
    assert record["status"] == "success", record
    _check_sent(server, storage, record)
    _check_files(record)
    assert server.stop() == 0


def _uploaded_over_a_kill(server: Server, clip: Path) -> str:
    """Upload half of a clip, kill the server while more comes, go on with another one."""
    headers = {"Authorization": f"Bearer {server.key}"}
    half = clip.stat().st_size // 2
    tus = TusClient(f"{server.base}{PREFIX}/uploads", headers=headers)
    name = {"filename": "Küste – 1.mp4"}
    uploader = tus.uploader(
        file_stream=io.BytesIO(clip.read_bytes()), chunk_size=half, metadata=name
    )
    uploader.upload(stop_at=half)
    path = httpx.URL(uploader.url).path
    host, port = server.base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            f"PATCH {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {headers['Authorization']}\r\n"
            "Tus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\n"
            f"Upload-Offset: {half}\r\nContent-Length: 100000\r\n\r\n".encode()
            + clip.read_bytes()[half : half + 1000]
        )
        time.sleep(0.2)
        server.kill()
    server.start()
    again = TusClient(f"{server.base}{PREFIX}/uploads", headers=headers).uploader(
        # Opened by itself, it would not close the file.
        file_stream=io.BytesIO(clip.read_bytes()),
        url=f"{server.base}{path}",
        chunk_size=half,
    )
    assert again.offset >= half
    again.upload()
    return f"{server.base}{path}"


def _check_sent(server: Server, storage: Storage, record: dict) -> None:
    sent = {(one["role"], one["ok"]) for one in record["outcome"]["delivered"]}
    assert sent == {("video", True), ("audio", True)}
    # The killed server's child may have sent one more before it noticed; that does no harm.
    assert sorted({path for path, _ in storage.got}) == ["/b/a.m4a", "/b/v.mp4?signature=secret"]
    with server.client() as client:
        everything = client.get("/requests").text
    assert "secret" not in everything
    assert "secret" not in server.log.read_text()


def _check_files(record: dict) -> None:
    outcome = record["outcome"]
    assert [one["id"] for one in outcome["media_urls"]] == ["0"]
    assert outcome["media_urls"][0]["url"] == outcome["video_url"]
    wanted = {
        "video_url": ("video/mp4", "Küste – 1-retake.mp4"),
        "section_url": ("video/mp4", "Küste – 1-section.mp4"),
        "audio_url": ("audio/mp4", "Küste – 1-audio.m4a"),
        "thumbnail_image_url": ("image/jpeg", "Küste – 1-poster.jpg"),
        "sheet_url": ("image/jpeg", "Küste – 1-sheet.jpg"),
        "report_url": ("application/json", "Küste – 1-report.json"),
    }
    for key, (kind, name) in wanted.items():
        answer = httpx.get(outcome[key] + "&download=1", trust_env=False)
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
        told = answer.headers["content-disposition"].partition("filename*=UTF-8''")[2]
        assert httpx.URL(f"http://x/{told}").path == f"/{name}"
        if key in {"video_url", "section_url", "audio_url"}:
            _check_plays(answer.content, seconds=2 if key == "section_url" else 4)


def _check_plays(data: bytes, seconds: float) -> None:
    with av.open(io.BytesIO(data)) as container:
        assert abs((container.duration or 0) / 1e6 - seconds) < 0.1
        assert container.streams.audio
