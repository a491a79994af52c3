"""The API in front of a bucket: it answers as in front of a folder, and says when it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from retake.queue.data_dir import DataDir
from retake.storage import Storage
from tests.api import live as api_live
from tests.api.live import API, PAYLOAD, Live, live
from tests.s3 import S3Server
from tests.s3_faults import Faults
from tests.storages import s3_storage

VIDEO = b"\0\0\0\x18ftypisom" + bytes(range(256)) * 3000
ASKED: list[dict[str, str]] = [
    {},
    {"Range": "bytes=0-0"},
    {"Range": "bytes=100-1999"},
    {"Range": "bytes=700000-"},
    {"Range": "bytes=-10"},
    {"Range": "bytes=-9999999"},
    {"Range": "bytes=5-99999999"},
    {"Range": f"bytes={len(VIDEO)}-"},
    {"Range": "bytes=-0"},
    {"Range": "bytes=9-3"},
    {"Range": "bytes=0-1,4-5"},
    {"Range": "lines=1-2"},
    {"Range": "bytes=0-9", "If-Range": '"another"'},
    {"If-None-Match": "*"},
]
TOLD = ("content-range", "content-length", "content-type", "accept-ranges", "content-disposition")


@pytest.fixture
def faults(s3: S3Server) -> Iterator[Faults]:
    with Faults(s3) as before:
        yield before


@pytest.fixture
def server(
    s3: S3Server, faults: Faults, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Live]:
    """A server on a bucket that can be made to fail."""
    url = s3.url(port=faults.port)

    def in_a_bucket(data_dir: DataDir) -> Storage:
        return s3_storage(s3, url, data_dir.path / "copies", retry_s=0.5)

    with monkeypatch.context() as patch:
        patch.setattr(api_live, "open_storage", in_a_bucket)
        with live(tmp_path / "bucket") as running:
            yield running


def uploaded(server: Live) -> dict[str, str]:
    headers = {"Content-Type": "video/mp4"}
    answer = server.client.post(f"{API}/uploads", content=VIDEO, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


def code(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    return answer.json()["code"]


def test_a_file_is_sent_as_from_a_folder(server: Live, tmp_path: Path) -> None:
    there = uploaded(server)["public_url"]
    with live(tmp_path / "folder") as beside:
        here = uploaded(beside)["public_url"]
        for method in ("GET", "HEAD"):
            for headers in ASKED:
                ours = server.anybody.request(method, there, headers=headers)
                usual = beside.anybody.request(method, here, headers=headers)
                assert (ours.status_code, ours.content) == (usual.status_code, usual.content)
                told = {name: ours.headers.get(name) for name in TOLD}
                expected = {name: usual.headers.get(name) for name in TOLD}
                told.pop("content-disposition")
                expected.pop("content-disposition")
                assert told == expected, (method, headers)
    tag = server.anybody.get(there).headers["etag"]
    assert server.anybody.get(there, headers={"If-None-Match": tag}).status_code == 304
    again = {"Range": "bytes=1-2", "If-Range": tag}
    assert server.anybody.get(there, headers=again).content == VIDEO[1:3]


def test_what_the_bucket_does_not_answer_is_a_503(server: Live, faults: Faults) -> None:
    upload = uploaded(server)
    faults.down = True
    for answer in (
        server.anybody.get(upload["public_url"]),
        server.client.get(upload["url"]),
        server.client.post(f"{API}/uploads", content=VIDEO),
        server.submit({**PAYLOAD, "video_uri": upload["url"]}),
    ):
        assert code(answer, 503) == "storage_unavailable"
        assert answer.headers["retry-after"] == "5"
        assert str(faults.port) not in answer.text
    # What needs no file goes on.
    assert server.client.get(f"{API}/requests").json()["total"] == 0
    faults.down = False
    assert server.anybody.get(upload["public_url"]).content == VIDEO
    answer = server.submit({**PAYLOAD, "video_uri": upload["url"]}, Prefer="respond-async")
    assert answer.status_code == 202


def test_a_503_now_and_then_is_not_noticed(server: Live, faults: Faults) -> None:
    faults.answer(503, times=2)
    upload = uploaded(server)
    faults.answer(503, times=2)
    assert server.anybody.get(upload["public_url"]).content == VIDEO


def test_a_download_survives_that_the_bucket_breaks_off(server: Live, faults: Faults) -> None:
    url = uploaded(server)["public_url"]
    faults.cut_at = 300_000
    assert server.anybody.get(url).content == VIDEO


def test_a_download_that_cannot_go_on_is_seen_to_and_taken_up_by_range(
    server: Live, faults: Faults, caplog: pytest.LogCaptureFixture
) -> None:
    url = uploaded(server)["public_url"]
    # Three look at it, the fourth reads.
    faults.cut_at, faults.answers_left = 300_000, 4
    got = b""
    with pytest.raises(httpx.RemoteProtocolError), server.anybody.stream("GET", url) as answer:
        for piece in answer.iter_raw():
            got += piece
    assert 0 < len(got) < len(VIDEO)
    assert VIDEO.startswith(got)
    faults.cut_at = faults.answers_left = None
    rest = server.anybody.get(url, headers={"Range": f"bytes={len(got)}-"})
    assert got + rest.content == VIDEO
    assert "Traceback" not in caplog.text


def test_the_bucket_may_give_files_out_itself(
    server: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(server.parts.__dict__, "redirect_files", True)
    url = uploaded(server)["public_url"]
    answer = server.anybody.get(url)
    assert (answer.status_code, answer.headers["cache-control"]) == (307, "no-store")
    assert server.anybody.get(answer.headers["location"]).content == VIDEO
    wrong = url[:-4] + ("0000" if url[-4:] != "0000" else "1111")
    assert code(server.anybody.get(wrong), 403) == "bad_signature"
    assert server.anybody.head(url).headers["content-length"] == str(len(VIDEO))
    # Our own page may not load from elsewhere.
    own = server.anybody.get(url, headers={"Sec-Fetch-Site": "same-origin"})
    assert (own.status_code, own.content) == (200, VIDEO)


def test_the_other_dialects_give_out_what_lies_in_the_bucket(server: Live) -> None:
    body = {"video_uri": "https://example.com/v.mp4", "start_time": 1, "duration": 3}
    asked = server.in_background(
        lambda: server.client.post("/v1/retake", json={**body, "prompt": "rain"})
    )
    request_id = server.take()
    server.finish(request_id)
    video = asked()
    assert (video.status_code, video.headers["content-type"]) == (200, "video/mp4")
    assert video.content == f"video of {request_id}".encode() * 100
    told = server.client.get(f"/v2/retake/{request_id}").json()["result"]
    assert server.anybody.get(told["video_url"]).content == video.content
    told = server.client.get(f"/fal/fal-ai/retake/requests/{request_id}").json()["video"]
    assert told["file_size"] == len(video.content)
    assert server.anybody.get(told["url"]).content == video.content


def test_a_submit_looks_at_a_copy(server: Live) -> None:
    seen: list[bytes] = []

    def check(path: Path, _wanted: object) -> tuple[str, ...]:
        seen.append(path.read_bytes())
        return ("looked at",)

    server.parts.__dict__["check_upload"] = check
    upload = uploaded(server)
    answer = server.submit({**PAYLOAD, "video_uri": upload["url"]}, Prefer="respond-async")
    assert answer.json()["warnings"] == ["looked at"]
    assert seen == [VIDEO]
