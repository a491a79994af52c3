"""Two machines on one database and one bucket: what the first made, the second delivers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.e2e.server import PREFIX, Server
from tests.postgres import PostgresServer
from tests.s3 import S3Server
from tests.storages import s3_storage

TUS = {"Tus-Resumable": "1.0.0"}
PIECE = {**TUS, "Content-Type": "application/offset+octet-stream"}


@contextmanager
def worker(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run `retake worker`, a machine with a disk of its own, until the block ends."""
    with folder.with_suffix(".log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "retake.cli.main", "worker", "--data-dir", str(folder)],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(20)


def uploaded(video: bytes, key: str, *servers: Server) -> str:
    """Send a video in pieces, each to another server in turn; return its URL."""
    bearer = {"Authorization": f"Bearer {key}"}
    with httpx.Client(headers=bearer, timeout=60) as client:
        length = {"Upload-Length": str(len(video))}
        begun = client.post(f"{servers[0].base}{PREFIX}/uploads", headers={**TUS, **length})
        upload = begun.headers["location"].rpartition("/")[2]
        offset = number = 0
        while offset < len(video):
            number += 1
            answer = client.patch(
                f"{servers[number % 2].base}{PREFIX}/uploads/{upload}",
                content=video[offset : offset + 20_001],
                headers={**PIECE, "Upload-Offset": str(offset)},
            )
            assert answer.status_code == 204, answer.text
            offset = int(answer.headers["upload-offset"])
    return begun.headers["location"]


def test_what_a_dead_machine_made_is_rendered_by_another_and_given_out_by_any_server(
    s3: S3Server,
    postgres: PostgresServer,
    clip: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = s3.url()
    settings = {"database": postgres.empty(), "storage": url, "lease_s": "2"}
    for name, value in s3.env.items():
        monkeypatch.setenv(name, value)
    for name, value in {**settings, "min_section_s": "0.5"}.items():
        monkeypatch.setenv(f"RETAKE_{name.upper()}", value)
    storage = s3_storage(s3, url, tmp_path / "looking")
    with servers(tmp_path) as (one, two), worker(tmp_path / "first") as first:
        video = uploaded(clip.read_bytes(), one.key, one, two)
        payload = {"video_uri": video, "start_time": 1, "duration": 1, "prompt": "thunder"}
        body = {"model": "vfx-retake", "payload": {**payload, "mode": "replace_audio"}}
        headers = {"Prefer": "respond-async"}
        with two.client(one.key) as client:
            answer = client.post("/requests", json=body, headers=headers)
        request_id = answer.json()["request_id"]
        until = time.monotonic() + 120
        while not any("take.wav" in each.name for each in storage.files("work")):
            assert time.monotonic() < until
            time.sleep(0.02)
        os.killpg(first.pid, signal.SIGKILL)
        with worker(tmp_path / "second"):
            record = one.ended(request_id)
        assert record["status"] == "success", record
        given = record["outcome"]["video_url"]
        results = [httpx.get(given.replace(one.base, each.base)).content for each in (one, two)]
    assert results[0] == results[1]
    assert results[0][4:8] == b"ftyp"


@contextmanager
def servers(folder: Path) -> Iterator[tuple[Server, Server]]:
    """Run two servers that share everything."""
    one, two = Server(folder / "one"), Server(folder / "two")
    try:
        two.key = one.start().key
        yield one, two.start()
    finally:
        for each in (one, two):
            if hasattr(each, "process"):
                each.kill()
