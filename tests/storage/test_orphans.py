"""`retake doctor` finds files without a request and requests without their files, and mends one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from retake.bootstrap.orphans import GRACE_S, Orphans, find_orphans
from retake.bootstrap.parts import settings
from retake.cli.main import app
from retake.queue.data_dir import DataDir
from retake.storage import Storage
from tests.api import live as api_live
from tests.api.live import Live, live
from tests.s3 import S3Server
from tests.storages import s3_storage


@pytest.fixture(params=["folder", "bucket"])
def server(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Live]:
    """A server, with its storage and its data folder in the environment of `retake doctor`."""
    monkeypatch.setenv("RETAKE_DATA_DIR", str(tmp_path / "data"))
    if request.param == "bucket":
        s3: S3Server = request.getfixturevalue("s3")
        url = s3.url()
        for name, value in {**s3.env, "RETAKE_STORAGE": url}.items():
            monkeypatch.setenv(name, value)

        def in_a_bucket(data_dir: DataDir) -> Storage:
            return s3_storage(s3, url, data_dir.path / "copies")

        monkeypatch.setattr(api_live, "open_storage", in_a_bucket)
    with live(tmp_path) as running:
        (tmp_path / "data" / "secret").write_bytes(bytes(range(32)))
        yield running


def stored(server: Live, *names: str) -> None:
    for name in names:
        with server.storage.writing(name) as stream:
            stream.write(b"x" * 1000)


def finished(server: Live) -> str:
    request_id = server.submit_async()
    assert server.take() == request_id
    server.finish(request_id)
    return request_id


def found(server: Live, later_s: float = GRACE_S + 60) -> Orphans:
    orphans = find_orphans(settings(), server.storage, time.time() + later_s)
    assert orphans is not None
    return orphans


def test_what_belongs_together_is_left_alone(server: Live) -> None:
    finished(server)
    waiting = server.submit_async()
    stored(server, f"outputs/{waiting}/video.mp4", f"work/{waiting}/take.mkv")
    assert found(server) == Orphans((), ())


def test_files_without_a_request_are_found_once_they_are_old(server: Live) -> None:
    kept, removed, cancelled = finished(server), finished(server), server.submit_async()
    server.client.delete(f"{api_live.API}/requests/{cancelled}")
    server.client.delete(f"{api_live.API}/requests/{removed}/files")
    left = [
        f"outputs/{cancelled}/video.mp4",
        f"outputs/{removed}/video.mp4",
        "outputs/nobody/video.mp4",
        # What a worker that was taken for dead published all the same.
        f"outputs/{kept}/0123abcd/video.mp4",
        f"work/{kept}/take.mkv",
    ]
    stored(server, *left)
    orphans = found(server)
    assert {one.name for one in orphans.files} == set(left)
    assert found(server, later_s=0).files == ()


def test_results_that_are_gone_are_found(server: Live) -> None:
    request_id = finished(server)
    server.storage.delete_tree(f"outputs/{request_id}/video.mp4")
    assert found(server).missing == (f"outputs/{request_id}/video.mp4",)


def test_doctor_tells_of_them_and_removes_what_nobody_has(
    server: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("retake.bootstrap.orphans.GRACE_S", -60)
    kept = finished(server)
    stored(server, "outputs/nobody/video.mp4")
    told = CliRunner().invoke(app, ["doctor"], env={"COLUMNS": "400"}).output
    assert "1 files (0.0 MiB) belong to no request: outputs/nobody/video.mp4" in told
    assert "hush" not in told
    told = CliRunner().invoke(app, ["doctor", "--fix"], env={"COLUMNS": "400"}).output
    assert "removed 1 files" in told
    left = {one.name.split("/")[1] for one in server.storage.files("outputs")}
    assert left == {kept}
    told = CliRunner().invoke(app, ["doctor"], env={"COLUMNS": "400"}).output
    assert "every stored result belongs to a request" in told


def test_a_storage_that_cannot_be_used_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RETAKE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("RETAKE_STORAGE", "s3://me:hush@bucket")
    done = CliRunner().invoke(app, ["doctor"], env={"COLUMNS": "400"})
    assert done.exit_code == 1
    assert "storage: RETAKE_STORAGE is not the address of a storage" in done.output
    assert "hush" not in done.output
