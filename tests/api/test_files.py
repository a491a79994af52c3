"""Uploads and files: what goes in by a signed URL, what comes out, and what does not."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from retake.core.errors import BadSource
from retake.core.request import Limits, RetakeRequest
from retake.storage.upload import UploadPolicy
from tests.api.live import API, BARE, MODEL, PAYLOAD, Live, live

VIDEO = b"\0\0\0\x18ftypisom" + bytes(range(256)) * 2000


def upload_urls(server: Live, **body: object) -> dict[str, str]:
    answer = server.client.post(f"{API}/upload-url", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def uploaded(server: Live, content: bytes = VIDEO) -> str:
    urls = upload_urls(server, file_type="mp4")
    answer = server.anybody.put(
        urls["upload_url"], content=content, headers={"Content-Type": "video/mp4"}
    )
    assert answer.status_code == 200, answer.text
    return urls["public_url"]


def code(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert isinstance(body["error"], str)
    return body["code"]


def stored(server: Live) -> list[Path]:
    return [path for path in server.data_dir.files.rglob("*") if path.is_file()]


def test_an_upload_comes_back_as_it_was_and_can_be_the_source(server: Live) -> None:
    url = uploaded(server)
    assert server.anybody.get(url).content == VIDEO
    got = server.submit({**PAYLOAD, "video_uri": url}, Prefer="respond-async")
    assert got.status_code == 202, got.text
    assert got.json()["payload"]["video_uri"] == url
    request_id = server.take()
    source = server.call(lambda: server.requests.dispatch.for_engine(request_id))["source_ref"]
    name = source.removeprefix("upload:")
    assert name.startswith("uploads/")
    assert server.storage.path(name).read_bytes() == VIDEO


def test_an_upload_is_the_source_under_every_host_name_of_the_server(shared: Live) -> None:
    url = uploaded(shared).replace("127.0.0.1", "localhost")
    got = shared.submit({**PAYLOAD, "video_uri": url}, Prefer="respond-async")
    assert got.status_code == 202


def test_a_result_can_be_the_source_of_the_next_request(server: Live) -> None:
    request_id = server.submit_async()
    server.take()
    server.finish(request_id)
    record = server.client.get(f"{API}/requests/{request_id}").json()
    video_uri = record["outcome"]["video_url"]
    got = server.submit({**PAYLOAD, "video_uri": video_uri}, Prefer="respond-async")
    assert got.status_code == 202
    theirs = {"Authorization": f"Bearer {server.other_key}"}
    body = {"model": MODEL, "payload": {**PAYLOAD, "video_uri": video_uri}}
    answer = server.client.post(f"{API}/requests", json=body, headers=theirs)
    assert code(answer, 400) == "upload_not_found"


def test_the_example_may_be_seen_by_anybody_and_used_by_every_key(tmp_path: Path) -> None:
    with live(tmp_path, example="examples/clip.mp4") as server:
        example = f"{server.url}/example.mp4"
        assert code(server.anybody.get(example), 404) == "file_not_found"
        answer = server.submit({**PAYLOAD, "video_uri": example})
        assert code(answer, 400) == "upload_not_found"
        with server.storage.writing("examples/clip.mp4") as stream:
            stream.write(VIDEO)
        assert server.anybody.get(example).content == VIDEO
        part = server.anybody.get(example, headers={"Range": "bytes=0-9"})
        assert (part.status_code, part.content) == (206, VIDEO[:10])
        answer = server.submit({**PAYLOAD, "video_uri": example}, Prefer="respond-async")
        assert answer.status_code == 202
        request_id = server.take()
        source = server.call(lambda: server.requests.dispatch.for_engine(request_id))["source_ref"]
        assert source == "upload:examples/clip.mp4"


def test_a_server_without_an_example_says_so(server: Live) -> None:
    assert code(server.anybody.get("/example.mp4"), 404) == "file_not_found"
    answer = server.submit({**PAYLOAD, "video_uri": f"{server.url}/example.mp4"})
    assert code(answer, 400) == "blocked_address"


def test_an_upload_of_another_key_is_not_there(shared: Live) -> None:
    body = {"model": MODEL, "payload": {**PAYLOAD, "video_uri": uploaded(shared)}}
    theirs = {"Authorization": f"Bearer {shared.other_key}"}
    answer = shared.client.post(f"{API}/requests", json=body, headers=theirs)
    assert code(answer, 400) == "upload_not_found"
    assert answer.json()["param"] == "video_uri"


def test_an_upload_that_never_came_is_told_at_submit(shared: Live) -> None:
    url = upload_urls(shared)["public_url"]
    assert code(shared.submit({**PAYLOAD, "video_uri": url}), 400) == "upload_not_found"


def test_an_own_url_without_a_right_signature_is_told(shared: Live) -> None:
    url = uploaded(shared)
    for wrong in (url[:-1] + ("0" if url[-1] != "0" else "1"), url.partition("?")[0]):
        assert code(shared.submit({**PAYLOAD, "video_uri": wrong}), 400) == "bad_upload"


def test_an_upload_is_checked_at_submit(tmp_path: Path) -> None:
    def check(path: Path, request: RetakeRequest) -> tuple[str, ...]:
        assert request.duration == 5
        if path.read_bytes() != VIDEO:
            raise BadSource("not_a_video", "it is not a video", param="video_uri")
        return ("the section was cut to the video's end",)

    with live(tmp_path, check_upload=check) as server:
        good = {**PAYLOAD, "video_uri": uploaded(server)}
        warnings = server.submit(good, Prefer="respond-async").json()["warnings"]
        assert warnings == ["the section was cut to the video's end"]
        bad = {**PAYLOAD, "video_uri": uploaded(server, b"text")}
        answer = server.submit(bad)
        assert code(answer, 400) == "not_a_video"
        assert "request_id" not in answer.json()


@pytest.mark.parametrize("file_type", ["mp4", "MOV", ".mp4", "video/mp4", "video/quicktime"])
def test_a_file_type_becomes_the_name_s_ending(shared: Live, file_type: str) -> None:
    url = upload_urls(shared, file_type=file_type)["upload_url"]
    assert url.partition("?")[0].endswith((".mp4", ".mov"))


@pytest.mark.parametrize("file_type", ["exe", "html", "", "../x", "mp4/../../x", 5, None, ["mp4"]])
def test_another_file_type_is_refused(shared: Live, file_type: object) -> None:
    answer = shared.client.post(f"{BARE}/upload-url", json={"file_type": file_type})
    assert code(answer, 400) == "unknown_file_type"


def test_an_upload_url_needs_a_json_object(shared: Live) -> None:
    answer = shared.client.post(f"{API}/upload-url", content=b"[]")
    assert code(answer, 400) == "not_an_object"


def test_putting_the_same_again_is_fine_and_something_else_is_refused(server: Live) -> None:
    url = upload_urls(server)["upload_url"]
    for _ in range(2):
        assert server.anybody.put(url, content=VIDEO).json() == {"size": len(VIDEO)}
    assert code(server.anybody.put(url, content=b"other"), 409) == "exists"
    assert [path.read_bytes() for path in stored(server)] == [VIDEO]


def test_a_url_is_for_its_own_name_verb_and_time_only(shared: Live) -> None:
    urls = upload_urls(shared)
    assert code(shared.anybody.put(urls["public_url"], content=b"x"), 403) == "bad_signature"
    shared.anybody.put(urls["upload_url"], content=VIDEO)
    assert code(shared.anybody.get(urls["upload_url"]), 403) == "bad_signature"
    other = upload_urls(shared)["upload_url"].partition("?")[0]
    query = urls["upload_url"].partition("?")[2]
    assert code(shared.anybody.put(f"{other}?{query}", content=b"x"), 403) == "bad_signature"
    later = urls["public_url"].replace("expires=1", "expires=2")
    assert code(shared.anybody.get(later), 403) == "bad_signature"
    for query in ("", "expires=&signature=", "expires=x&signature=y", "expires=%D9%A3"):
        got = shared.anybody.get(f"{urls['public_url'].partition('?')[0]}?{query}")
        assert code(got, 403) == "bad_signature"


def test_a_url_expires(tmp_path: Path) -> None:
    times = [time.time()]
    policy = UploadPolicy(ttl_s=60)
    with live(tmp_path, now=lambda: times[0], url_ttl_s=60, upload_policy=policy) as server:
        url = uploaded(server)
        times[0] += 61
        assert code(server.anybody.get(url), 403) == "url_expired"
        got = server.submit({**PAYLOAD, "video_uri": url})
        assert code(got, 400) == "bad_upload"


@pytest.mark.parametrize(
    "name",
    ["../requests.sqlite", "%2e%2e/secret", "uploads/..%2f..%2fsecret", "uploads/%00",
     "/etc/passwd", ".incoming/x", "", "ä", "x" * 3000],
)  # fmt: skip
def test_no_name_leaves_the_folder(shared: Live, name: str) -> None:
    for method in ("GET", "HEAD", "PUT"):
        answer = shared.anybody.request(method, f"/files/{name}?expires=1&signature={'0' * 64}")
        assert answer.status_code in {403, 404, 405}
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_signed_url_to_nothing_is_a_404(shared: Live) -> None:
    url = upload_urls(shared)["public_url"]
    assert code(shared.anybody.get(url), 404) == "file_not_found"
    signature = shared.storage.sign("uploads", 2**33, "GET")
    answer = shared.anybody.get(f"/files/uploads?expires={2**33}&signature={signature}")
    assert code(answer, 404) == "file_not_found"


def test_an_upload_over_the_limit_is_refused_with_and_without_a_length(tmp_path: Path) -> None:
    with live(tmp_path, limits=Limits(max_bytes=2 * 10**6)) as server:
        url = upload_urls(server)["upload_url"]

        def chunks() -> Iterator[bytes]:
            for _ in range(30):
                yield bytes(100_000)

        for content in (bytes(2 * 10**6 + 1), chunks()):
            assert code(server.anybody.put(url, content=content), 413) == "upload_too_large"
            assert stored(server) == []
        assert server.anybody.put(url, content=bytes(2 * 10**6)).status_code == 200


def test_an_empty_upload_is_refused(server: Live) -> None:
    url = upload_urls(server)["upload_url"]
    assert code(server.anybody.put(url, content=b""), 400) == "empty_upload"
    assert stored(server) == []


def test_an_upload_that_breaks_off_leaves_nothing(server: Live) -> None:
    url = upload_urls(server)["upload_url"].removeprefix(server.url)
    head = f"PUT {url} HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head + bytes(500_000))
    deadline = time.monotonic() + 5
    while stored(server) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert stored(server) == []
    assert server.anybody.put(server.url + url, content=VIDEO).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "multipart/form-data; boundary=x"}, 415),
        ({"Content-Type": "text/html"}, 415),
        ({"Content-Encoding": "gzip"}, 415),
        ({"Content-Range": "bytes 0-9/100"}, 400),
        ({"Content-Type": "application/octet-stream"}, 200),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 200),
        ({}, 200),
    ],
)
def test_what_is_not_the_file_itself_is_refused(
    shared: Live, headers: dict[str, str], status: int
) -> None:
    url = upload_urls(shared)["upload_url"]
    assert shared.anybody.put(url, content=VIDEO, headers=headers).status_code == status


def test_a_range_is_answered_with_that_part(shared: Live) -> None:
    url, size = uploaded(shared), len(VIDEO)
    for asked, start, end in (
        ("bytes=0-0", 0, 1),
        ("bytes=100-199", 100, 200),
        ("bytes=1000-", 1000, size),
        ("bytes=-500", size - 500, size),
        (f"bytes=5-{size * 2}", 5, size),
        (f"bytes=-{size * 2}", 0, size),
    ):
        got = shared.anybody.get(url, headers={"Range": asked})
        assert got.status_code == 206, asked
        assert got.content == VIDEO[start:end]
        assert got.headers["content-range"] == f"bytes {start}-{end - 1}/{size}"
        assert got.headers["content-type"] == "video/mp4"


@pytest.mark.parametrize(
    "asked", ["bytes=5-2", "bytes=x-y", "lines=1-2", "bytes", "bytes=0-1,5-6", "bytes=-", "ü"]
)
def test_a_range_that_cannot_be_read_gets_the_whole(shared: Live, asked: str) -> None:
    got = shared.anybody.get(uploaded(shared), headers=[(b"Range", asked.encode())])
    assert (got.status_code, got.content) == (200, VIDEO)


@pytest.mark.parametrize("asked", ["bytes=999999999-", "bytes=512012-", "bytes=-0"])
def test_a_range_past_the_end_is_a_416(shared: Live, asked: str) -> None:
    got = shared.anybody.get(uploaded(shared), headers={"Range": asked})
    assert code(got, 416) == "range_past_end"
    assert got.headers["content-range"] == f"bytes */{len(VIDEO)}"


def test_an_unchanged_file_is_not_sent_again(shared: Live) -> None:
    url = uploaded(shared)
    etag = shared.anybody.get(url).headers["etag"]
    got = shared.anybody.get(url, headers={"If-None-Match": etag})
    assert (got.status_code, got.content, got.headers["etag"]) == (304, b"", etag)
    for held, status in ((etag, 206), ('"other"', 200)):
        headers = {"Range": "bytes=0-9", "If-Range": held}
        assert shared.anybody.get(url, headers=headers).status_code == status


def test_a_file_carries_what_browsers_need(server: Live) -> None:
    request_id = server.submit_async()
    server.take()
    server.finish(request_id)
    outcome = server.client.get(f"{API}/requests/{request_id}").json()["outcome"]
    got = server.anybody.get(outcome["video_url"])
    name = f"retake-{request_id[:8]}-video.mp4"
    assert got.headers["content-disposition"] == f'inline; filename="{name}"'
    assert got.headers["content-type"] == "video/mp4"
    assert got.headers["access-control-allow-origin"] == "*"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["accept-ranges"] == "bytes"
    saved = server.anybody.get(outcome["video_url"] + "&download=1")
    assert saved.headers["content-disposition"].startswith("attachment")
    for key, kind in (("thumbnail_image_url", "image/jpeg"), ("report_url", "application/json")):
        assert server.anybody.head(outcome[key]).headers["content-type"] == kind


def test_head_tells_the_length_without_the_body(shared: Live) -> None:
    got = shared.anybody.head(uploaded(shared))
    assert (got.status_code, got.content) == (200, b"")
    assert got.headers["content-length"] == str(len(VIDEO))


def test_a_browser_s_preflight_is_answered(shared: Live) -> None:
    url = upload_urls(shared)["upload_url"]
    got = shared.anybody.options(url, headers={"Origin": "https://example.com"})
    assert got.status_code == 204
    assert "PUT" in got.headers["access-control-allow-methods"]
    refused = shared.anybody.put(url.partition("?")[0], content=b"x")
    assert refused.headers["access-control-allow-origin"] == "*"


def test_urls_are_built_from_the_base_url_or_from_the_host(tmp_path: Path) -> None:
    with live(tmp_path / "a") as server:
        answer = server.client.post(
            f"{API}/upload-url", json={}, headers={"Host": "retake.example:8443"}
        )
        assert answer.json()["upload_url"].startswith("http://retake.example:8443/files/")
    with live(tmp_path / "b", base_url="https://media.example/") as server:
        assert upload_urls(server)["upload_url"].startswith("https://media.example/files/")
        policy = server.anybody.get("/").headers["content-security-policy"]
        assert "media-src 'self' https://media.example blob:" in policy


def test_a_client_of_http_1_0_without_a_host_gets_urls_too(shared: Live) -> None:
    head = f"POST {API}/upload-url HTTP/1.0\r\nAuthorization: Bearer {shared.key}\r\n"
    answer = shared.talk(f"{head}Content-Length: 2\r\n\r\n{{}}".encode(), whole=False)
    urls = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert urls["upload_url"].startswith(f"http://127.0.0.1:{shared.port}/files/")


def test_a_hundred_megabytes_go_through_without_being_held_in_memory(server: Live) -> None:
    size = 100 * 2**20

    def chunks() -> Iterator[bytes]:
        for _ in range(size // 2**20):
            yield bytes(2**20)

    url = upload_urls(server)["upload_url"]
    got = server.anybody.put(url, content=chunks())
    assert json.loads(got.content) == {"size": size}
    assert [path.stat().st_size for path in stored(server)] == [size]
