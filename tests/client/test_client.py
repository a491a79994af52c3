"""The blocking client against a real server."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import retake
from retake.client import (
    AuthError,
    Cancelled,
    NotFound,
    Progress,
    RequestFailed,
    RetakeAPIError,
    Timeout,
)
from retake.core.errors import BadRequest, BadSource
from tests.api.live import MODEL, PAYLOAD

VIDEO = b"not looked at here" * 1000
URL = PAYLOAD["video_uri"]


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    path.write_bytes(VIDEO)
    return path


def test_a_file_becomes_a_new_one_in_one_call(client, engine, server, video, tmp_path) -> None:
    told: list[Progress] = []
    result = client.retake(
        video,
        start=1,
        duration="0:02.500",
        prompt="rain",
        seed=7,
        output=tmp_path / "new.mp4",
        progress=told.append,
    )
    assert result.request.succeeded
    assert result.path == tmp_path / "new.mp4"
    assert result.path.read_bytes() == f"video of {result.request.id}".encode() * 100
    assert result.file.media_type == "video/mp4"
    payload = result.request.payload
    assert (payload["start_time"], payload["duration"], payload["seed"]) == (1.0, 2.5, 7)
    name = payload["video_uri"].partition("/files/")[2].partition("?")[0]
    assert server.storage.path(name).read_bytes() == VIDEO
    statuses = [progress.status for progress in told]
    assert statuses[0] == "uploading"
    assert statuses[-1] == "downloading"
    assert told[0].total == len(VIDEO)
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


@pytest.mark.parametrize("wrap", [bytes, io.BytesIO, str])
def test_bytes_open_files_and_urls_are_sources_too(client, engine, wrap) -> None:
    source = URL if wrap is str else wrap(VIDEO)
    result = client.retake(source, start=0, duration=2)
    assert result.file.content == f"video of {result.request.id}".encode() * 100
    assert result.file.read() == result.file.content


def test_an_open_file_is_read_from_where_it_stands_and_left_open(client, server, tmp_path) -> None:
    with (tmp_path / "two").open("w+b") as file:
        file.write(b"header" + VIDEO)
        file.seek(6)
        upload = client.upload(file)
        assert upload.size == len(VIDEO)
        assert not file.closed
    name = upload.url.partition("/files/")[2].partition("?")[0]
    assert server.storage.path(name).read_bytes() == VIDEO


def test_the_records_of_a_key_come_page_by_page(client, server) -> None:
    ids = [server.submit_async() for _ in range(5)]
    found = client.list(page_size=2)
    assert [request.id for request in found] == ids[::-1]
    assert [r.id for r in client.list(status="success")] == []
    assert next(client.list(model=MODEL, page_size=1)).id == ids[-1]


def test_what_a_failed_request_says_arrives(client, engine, server) -> None:
    error = {"kind": "bad_source", "code": "too_long", "message": "the video is 30 s long"}
    error |= {"param": "video_uri", "retryable": False}
    engine.work = lambda name: server.end(name, {"status": "failed", "error": error})
    with pytest.raises(RequestFailed, match="30 s long") as caught:
        client.retake(URL, start=0, duration=2)
    assert (caught.value.code, caught.value.param) == ("too_long", "video_uri")
    assert caught.value.request.status == "failed"
    assert caught.value.request_id == caught.value.request.id


def test_a_refusal_names_the_parameter(client) -> None:
    with pytest.raises(RetakeAPIError) as caught:
        client.submit(URL, start=1, duration=1)
    assert (caught.value.status, caught.value.code) == (400, "duration_too_short")
    assert caught.value.param == "duration"
    assert list(client.list()) == []


def test_a_cancel_ends_the_waiting(client, server) -> None:
    request_id = server.submit_async()
    server.take()

    def cancel() -> None:
        with retake.Client(server.url, server.key) as other:
            other.cancel(request_id)

    waiting = threading.Timer(0.2, cancel)
    waiting.start()
    with pytest.raises(Cancelled) as caught:
        client.wait(request_id, timeout_s=10)
    waiting.join()
    assert caught.value.request.status == "cancelled"
    assert client.cancel(request_id).status == "cancelled"


def test_whoever_has_no_more_time_is_told_that_it_goes_on(client, server) -> None:
    request_id = server.submit_async()
    with pytest.raises(Timeout, match="goes on") as caught:
        client.wait(request_id, timeout_s=0.3)
    assert caught.value.request_id == request_id
    assert client.get(request_id).status == "queued"


def test_events_are_told_until_the_end(client, server) -> None:
    request_id = server.submit_async()
    seen: list[str] = []
    for progress in client.events(request_id, timeout_s=20):
        seen.append(progress.status)
        if progress.status == "queued":
            server.take()
        elif progress.status == "processing":
            server.finish(request_id)
    assert seen[0] == "queued"
    assert "processing" in seen
    assert seen[-1] == "success"


def test_nobody_else_s_request_is_seen(client, server) -> None:
    request_id = server.submit_async()
    with retake.Client(server.url, server.other_key) as other:
        for call in (other.get, other.wait, other.cancel, other.download):
            with pytest.raises(NotFound):
                call(request_id)
    with retake.Client(server.url, "rt_wrong") as stranger, pytest.raises(AuthError):
        stranger.get(request_id)


@pytest.mark.parametrize(
    "url", ["", "ftp://x", "http://", "127.0.0.1:80", "http://u:p@h", "http://h?x=1"]
)
def test_an_address_that_is_none_is_told(url, monkeypatch) -> None:
    monkeypatch.setenv("RETAKE_URL", url or "nowhere")
    with pytest.raises(RetakeAPIError) as caught:
        retake.Client(None, "rt_key")
    assert caught.value.code == "bad_base_url"


def test_address_and_key_come_from_the_environment(server, monkeypatch) -> None:
    monkeypatch.setenv("RETAKE_URL", server.url)
    monkeypatch.setenv("RETAKE_KEY", server.key)
    with retake.Client() as client:
        assert MODEL in client.models()
        assert client.model()["engine"]["id"] == "vfx"
    monkeypatch.delenv("RETAKE_KEY")
    with pytest.raises(AuthError, match="RETAKE_KEY"):
        retake.Client()


def test_places_where_nothing_can_appear_are_told_before_anything_is_sent(
    client, server, video, tmp_path
) -> None:
    (tmp_path / "there.mp4").write_bytes(b"mine")
    for output in ("there.mp4", "no/folder.mp4", "."):
        with pytest.raises(BadRequest):
            client.retake(video, start=0, duration=2, output=tmp_path / output)
    with pytest.raises(BadSource, match="does not exist"):
        client.retake(tmp_path / "gone.mp4", start=0, duration=2)
    with pytest.raises(BadRequest, match="seconds"):
        client.retake(video, start="60f", duration=2)
    assert list(client.list()) == []
    assert (tmp_path / "there.mp4").read_bytes() == b"mine"


def test_a_damaged_download_is_noticed_and_nothing_is_left(
    client, engine, server, tmp_path
) -> None:
    def with_a_report(name: str) -> None:
        with server.storage.writing(f"outputs/{name}/video.mp4") as stream:
            stream.write(b"another video")
        outcome = {"files": {"video": f"outputs/{name}/video.mp4"}, "notes": []}
        report = {"output": {"sha256": "0" * 64}}
        server.end(name, {"status": "success", "outcome": outcome | {"report": report}})

    engine.work = with_a_report
    with pytest.raises(RetakeAPIError) as caught:
        client.retake(URL, start=0, duration=2, output=tmp_path / "new.mp4")
    assert caught.value.code == "damaged_download"
    assert list(tmp_path.glob("*new*")) == []
    assert list(tmp_path.glob(".*new*")) == []


def test_other_files_of_a_request_can_be_had(client, engine) -> None:
    request = client.retake(URL, start=0, duration=2).request
    assert client.download(request, role="thumbnail").read().startswith(b"thumbnail of")
    with pytest.raises(RetakeAPIError) as caught:
        client.download(request.id, role="hologram")
    assert caught.value.code == "no_such_file"


def test_importing_retake_loads_nothing_heavy() -> None:
    code = (
        "import sys, retake; before = 'httpx' in sys.modules; retake.Client;"
        "heavy = {'numpy', 'pydantic', 'fastapi', 'av', 'dbos'} & set(sys.modules);"
        "print(before, sorted(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False []"


def test_a_notebook_shows_the_video_and_runs_nothing_of_what_others_wrote(client, engine) -> None:
    result = client.retake(URL, start=0, duration=2, prompt="<script>alert(1)</script>")
    shown = result._repr_html_()
    assert "<video" in shown
    assert "data:video/mp4;base64," in shown
    assert "<script>" not in shown
    evil = retake.client.Request.parse(
        {
            "request_id": "<b>",
            "status": "success",
            "notes": ["<img src=x onerror=alert(1)>"],
            "outcome": {"video_url": 'javascript:"><script>'},
        }
    )
    shown = evil._repr_html_()
    assert "<b>" not in shown
    assert "<img" not in shown
    assert "javascript" not in shown
