"""A real server whose disk is full, or may not be written to."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.server import Server
from tests.faults.small_disk import SmallDisk, small_disk, why_absent

BODY = {
    "model": "ltx-2-pro-retake",
    # Never fetched: the address is private.
    "payload": {"video_uri": "https://example.com/video.mp4", "start_time": 1, "duration": 2},
}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    if reason := why_absent():
        pytest.skip(reason)
    try:
        with small_disk(tmp_path / "disk", 48) as disk:
            yield disk
    except PermissionError as error:
        pytest.skip(f"no file system may be mounted here: {error}")


def ask(client: httpx.Client) -> httpx.Response:
    return client.post("/requests", json=BODY, headers={"Prefer": "respond-async"})


def test_a_full_disk_is_told_and_work_goes_on_by_itself_when_there_is_room(disk: SmallDisk) -> None:
    server = Server(disk.folder / "data").start()
    try:
        with server.client() as client:
            before = ask(client)
            assert before.status_code == 202, before.text
            disk.fill()
            until = time.monotonic() + 20
            refused: dict[str, object] = {}
            while not refused and time.monotonic() < until:
                # The files were made longer ahead of time: some still fit in.
                answer = ask(client)
                if answer.status_code != 202:
                    refused = answer.json()
            assert (refused["code"], refused["retryable"]) == ("disk_full", True)
            known = before.json()["request_id"]
            # Looking needs no room.
            assert client.get(f"/requests/{known}").status_code == 200
            assert client.get("/requests").status_code == 200
            disk.free()
            assert ask(client).status_code == 202
            assert server.process.poll() is None
    finally:
        server.stop()


def test_a_data_folder_that_may_not_be_written_to_is_told_at_the_start(disk: SmallDisk) -> None:
    disk.allow("ro")
    command = [sys.executable, "-m", "retake.cli.main", "serve", "--port", "0"]
    done = subprocess.run(
        [*command, "--data-dir", str(disk.folder / "data")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode not in (0, -6, -11)
    assert "Read-only file system" in done.stderr
    assert "accepted is a folder" in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr
