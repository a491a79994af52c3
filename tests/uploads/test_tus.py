"""Uploads that are resumed: the published client tuspy, and the protocol where it does not go."""

from __future__ import annotations

import base64
import hashlib
import io
import socket
import time
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError, TusUploadFailed

from retake.core.errors import BadSource
from retake.core.request import Limits
from retake.storage.upload import UploadPolicy
from tests.api.live import API, PAYLOAD, Live, live

VIDEO = b"\0\0\0\x18ftypisom" + bytes(range(256)) * 2000
TUS = {"Tus-Resumable": "1.0.0"}
PIECE = {**TUS, "Content-Type": "application/offset+octet-stream"}


def tus_client(server: Live, key: str | None = None) -> TusClient:
    bearer = {"Authorization": f"Bearer {key or server.key}"}
    return TusClient(f"{server.url}{API}/uploads", headers=bearer)


def begun(server: Live, length: int = len(VIDEO), **headers: str) -> str:
    answer = server.client.post(
        f"{API}/uploads", headers={**TUS, "Upload-Length": str(length), **headers}
    )
    assert answer.status_code == 201, answer.text
    return answer.headers["location"]


def piece(server: Live, url: str, data: bytes, offset: int, **headers: str) -> httpx.Response:
    return server.client.patch(
        url, content=data, headers={**PIECE, "Upload-Offset": str(offset), **headers}
    )


def offset_of(server: Live, url: str) -> int:
    answer = server.client.head(url, headers=TUS)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    return int(answer.headers["upload-offset"])


def code(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    return answer.json()["code"]


def stored_of(server: Live, url: str) -> bytes:
    told = server.client.get(url).json()
    assert told["complete"], told
    return server.anybody.get(told["public_url"]).content


@pytest.mark.parametrize("checked", [False, True])
def test_the_published_client_uploads_in_pieces(server: Live, checked: bool) -> None:
    uploader = tus_client(server).uploader(
        file_stream=io.BytesIO(VIDEO),
        chunk_size=100_000,
        metadata={"filename": "Été à la mer.MOV", "filetype": "video/quicktime"},
        upload_checksum=checked,
    )
    uploader.upload()
    told = server.client.get(uploader.url).json()
    assert (told["file_name"], told["file_type"]) == ("Été à la mer.MOV", "mov")
    assert (told["complete"], told["size"], told["received"]) == (True, len(VIDEO), len(VIDEO))
    assert stored_of(server, uploader.url) == VIDEO
    answer = server.submit({**PAYLOAD, "video_uri": uploader.url}, Prefer="respond-async")
    assert answer.status_code == 202, answer.text
    request_id = server.take()
    source = server.call(lambda: server.requests.dispatch.for_engine(request_id))["source_ref"]
    with server.storage.local(source.removeprefix("upload:")) as path:
        assert path.read_bytes() == VIDEO


def test_the_published_client_resumes_what_another_one_began(server: Live) -> None:
    first = tus_client(server).uploader(file_stream=io.BytesIO(VIDEO), chunk_size=100_000)
    first.upload(stop_at=200_000)
    again = tus_client(server).uploader(file_stream=io.BytesIO(VIDEO), url=first.url)
    assert again.offset == 200_000
    again.upload()
    assert stored_of(server, first.url) == VIDEO


def test_the_published_client_is_told_that_the_key_is_wrong(server: Live) -> None:
    with pytest.raises(TusCommunicationError) as caught:
        tus_client(server, "rt_wrong").uploader(file_stream=io.BytesIO(VIDEO)).upload()
    assert caught.value.status_code == 401


def test_what_came_before_the_connection_broke_is_kept(server: Live) -> None:
    url = begun(server)
    head = (
        f"PATCH {httpx.URL(url).path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.key}\r\n"
        f"Tus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\n"
        f"Upload-Offset: 0\r\nContent-Length: {len(VIDEO)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head.encode() + VIDEO[:300_000])
        time.sleep(0.1)
    offset = offset_of(server, url)
    assert 0 < offset <= 300_000
    assert piece(server, url, VIDEO[offset:], offset).status_code == 204
    assert stored_of(server, url) == VIDEO


def test_whoever_comes_again_takes_over_from_a_connection_that_hangs(server: Live) -> None:
    url = begun(server)
    head = (
        f"PATCH {httpx.URL(url).path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.key}\r\n"
        f"Tus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\n"
        f"Upload-Offset: 0\r\nContent-Length: {len(VIDEO)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head.encode() + VIDEO[:1000])
        time.sleep(0.1)
        began = time.monotonic()
        assert offset_of(server, url) == 1000
        assert piece(server, url, VIDEO[1000:], 1000).status_code == 204
        assert time.monotonic() - began < 5
        assert b"upload_interrupted" in connection.recv(4096)
    assert stored_of(server, url) == VIDEO


def test_a_piece_that_does_not_fit_its_checksum_is_dropped(server: Live) -> None:
    url = begun(server)
    wrong = base64.b64encode(hashlib.sha1(b"other").digest()).decode()
    answer = piece(server, url, VIDEO[:1000], 0, **{"Upload-Checksum": f"sha1 {wrong}"})
    assert code(answer, 460) == "checksum_mismatch"
    assert offset_of(server, url) == 0
    for algorithm in ("sha1", "sha256", "md5"):
        offset = offset_of(server, url)
        data = VIDEO[offset : offset + 1000]
        right = base64.b64encode(hashlib.new(algorithm, data).digest()).decode()
        answer = piece(server, url, data, offset, **{"Upload-Checksum": f"{algorithm} {right}"})
        assert answer.status_code == 204
    assert offset_of(server, url) == 3000


def test_options_tell_what_there_is_without_a_key(server: Live) -> None:
    answer = server.anybody.options(f"{API}/uploads")
    assert answer.status_code == 204
    assert answer.headers["tus-version"] == answer.headers["tus-resumable"] == "1.0.0"
    assert int(answer.headers["tus-max-size"]) == server.parts.limits.max_bytes
    extensions = answer.headers["tus-extension"].split(",")
    assert {"creation", "creation-with-upload", "expiration", "checksum", "termination"} <= {
        *extensions
    }
    assert "sha1" in answer.headers["tus-checksum-algorithm"]


def test_an_upload_may_come_along_with_its_beginning(server: Live) -> None:
    answer = server.client.post(
        f"{API}/uploads", content=VIDEO, headers={**PIECE, "Upload-Length": str(len(VIDEO))}
    )
    assert answer.status_code == 201
    assert int(answer.headers["upload-offset"]) == len(VIDEO)
    assert stored_of(server, answer.headers["location"]) == VIDEO


def test_its_time_is_told_and_begins_anew_with_each_piece(server: Live) -> None:
    url = begun(server)
    answer = piece(server, url, VIDEO[:10], 0)
    until = parsedate_to_datetime(answer.headers["upload-expires"]).timestamp()
    assert abs(until - time.time() - 24 * 3600) < 60


def test_it_can_be_ended_by_its_sender_alone(server: Live) -> None:
    url = begun(server)
    piece(server, url, VIDEO[:10], 0)
    theirs = {**TUS, "Authorization": f"Bearer {server.other_key}"}
    for method in ("HEAD", "GET", "DELETE"):
        assert server.client.request(method, url, headers=theirs).status_code == 404
    answer = server.client.patch(
        url, content=b"x", headers={**PIECE, **theirs, "Upload-Offset": "0"}
    )
    assert code(answer, 404) == "unknown_upload"
    answer = server.client.delete(url, headers=TUS)
    assert (answer.status_code, answer.headers["tus-resumable"]) == (204, "1.0.0")
    assert server.client.head(url, headers=TUS).status_code == 404
    assert server.client.get(f"{API}/uploads").json() == {"uploads": [], "total": 0}


def test_clients_that_can_only_post_are_understood(server: Live) -> None:
    url = begun(server, 4)
    headers = {**PIECE, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    assert server.client.post(url, content=b"abcd", headers=headers).status_code == 204
    assert server.client.post(url, headers={"X-HTTP-Method-Override": "DELETE"}).status_code == 204
    assert code(server.client.post(begun(server)), 405) == "wrong_method"


def test_what_is_all_here_and_no_video_is_told_and_removed(tmp_path: Path) -> None:
    def check(path: Path) -> None:
        if path.read_bytes() != VIDEO:
            raise BadSource("not_a_video", "it is not a video", param="video_uri")

    with live(tmp_path, check_arrival=check) as server:
        url = begun(server, 4)
        assert code(piece(server, url, b"text", 0), 400) == "not_a_video"
        assert server.client.head(url, headers=TUS).status_code == 404
        with pytest.raises(TusUploadFailed):
            tus_client(server).uploader(file_stream=io.BytesIO(b"more text")).upload()
        url = begun(server)
        assert piece(server, url, VIDEO, 0).status_code == 204
        pieces = [name for name in server.everything() if ".uploads/" in name or ".coming/" in name]
        assert all(name.endswith(".json") for name in pieces)


def test_an_upload_that_is_not_all_here_is_no_source(server: Live) -> None:
    url = begun(server)
    piece(server, url, VIDEO[:10], 0)
    answer = server.submit({**PAYLOAD, "video_uri": url})
    assert code(answer, 400) == "upload_not_found"
    assert f"10 of {len(VIDEO)}" in answer.json()["error"]
    assert code(server.submit({**PAYLOAD, "video_uri": url[:-1] + "x"}), 400) != "upload_not_found"


def key_id_of(server: Live) -> str:
    key = server.do(server.keys.authenticate(server.key))
    assert key is not None
    return key.key_id


@pytest.mark.parametrize("way", ["HEAD", "GET", "submit"])
def test_what_was_all_here_when_the_server_was_killed_is_finished_later(
    server: Live, way: str
) -> None:
    url = begun(server)
    begun_upload = server.parts.uploads.find(key_id_of(server), url[-32:])
    assert begun_upload is not None
    coming = server.parts.uploads.piece(begun_upload, checked=False)
    coming.write(VIDEO)
    coming.leave()
    if way == "submit":
        answer = server.submit({**PAYLOAD, "video_uri": url}, Prefer="respond-async")
    else:
        answer = server.client.request(way, url)
    assert answer.is_success
    stored = next(iter(server.storage.files("uploads")))
    with server.storage.local(stored.name) as path:
        assert path.read_bytes() == VIDEO
    assert stored_of(server, url) == VIDEO


def test_what_a_client_says_of_its_file_is_told_as_it_was_said(server: Live) -> None:
    said = "filename ZmlsbS5tcDQ=,empty,note aGk="
    url = begun(server, **{"Upload-Metadata": said})
    assert server.client.head(url, headers=TUS).headers["upload-metadata"] == said
    assert "upload-metadata" not in server.client.head(begun(server), headers=TUS).headers


def test_a_piece_that_was_not_compared_when_the_server_was_killed_is_dropped(server: Live) -> None:
    url = begun(server)
    piece(server, url, VIDEO[:500], 0)
    begun_upload = server.parts.uploads.find(key_id_of(server), url[-32:])
    assert begun_upload is not None
    killed = server.parts.uploads.piece(begun_upload, checked=True)
    killed.write(VIDEO[:200])
    # All that a kill does: the files of the process are closed.
    (getattr(killed, "_stream", None) or getattr(killed, "_gathered")).close()  # noqa: B009
    assert offset_of(server, url) == 500


BAD: list[tuple[dict[str, str], int, str]] = [
    ({"Tus-Resumable": "0.2.2"}, 412, "tus_version"),
    ({"Upload-Length": "-1"}, 400, "bad_upload_header"),
    ({"Upload-Length": "1e3"}, 400, "bad_upload_header"),
    ({"Upload-Length": "9" * 30}, 400, "bad_upload_header"),
    ({"Upload-Length": "0"}, 400, "empty_upload"),
    ({"Upload-Length": str(2**40)}, 413, "upload_too_large"),
    ({"Upload-Defer-Length": "1"}, 400, "bad_upload_header"),
    ({"Upload-Concat": "partial"}, 400, "bad_upload_header"),
    ({"Upload-Metadata": "filename ***"}, 400, "bad_upload_header"),
    ({"Upload-Metadata": "x" * 9000}, 400, "bad_upload_header"),
]


@pytest.mark.parametrize(("headers", "status", "expected"), BAD)
def test_a_beginning_that_makes_no_sense_is_told(
    shared: Live, headers: dict[str, str], status: int, expected: str
) -> None:
    answer = shared.client.post(f"{API}/uploads", headers={**TUS, "Upload-Length": "9", **headers})
    assert code(answer, status) == expected
    assert shared.client.get(f"{API}/uploads").json()["total"] == 0


def test_a_piece_that_makes_no_sense_is_told(server: Live) -> None:
    url = begun(server, 10)
    wrong: list[tuple[dict[str, Any], int, str]] = [
        ({"Upload-Offset": "3"}, 409, "upload_offset"),
        ({"Upload-Offset": "x"}, 400, "bad_upload_header"),
        ({"Content-Type": "video/mp4"}, 415, "wrong_content_type"),
        ({"Upload-Checksum": "crc32 AAAA"}, 400, "bad_upload_header"),
        ({"Upload-Checksum": "sha1 ***"}, 400, "bad_upload_header"),
        ({"Tus-Resumable": "2"}, 412, "tus_version"),
    ]
    for headers, status, expected in wrong:
        sent = {**PIECE, "Upload-Offset": "0", **headers}
        answer = server.client.patch(url, content=b"abc", headers=sent)
        assert code(answer, status) == expected, headers
    assert code(piece(server, url, b"x" * 11, 0), 413) == "upload_too_large"
    assert offset_of(server, url) == 0


def test_a_key_has_only_so_much_room(tmp_path: Path) -> None:
    policy = UploadPolicy(key_bytes=1000, key_count=3)
    with live(tmp_path, upload_policy=policy, limits=Limits(max_bytes=800)) as server:
        first = begun(server, 700)
        answer = server.client.post(f"{API}/uploads", headers={**TUS, "Upload-Length": "400"})
        assert code(answer, 413) == "upload_quota"
        raw = server.client.post(f"{API}/uploads", content=b"x" * 400)
        assert code(raw, 413) == "upload_quota"
        assert server.client.post(f"{API}/uploads", content=b"x" * 100).status_code == 201
        begun(server, 10)
        answer = server.client.post(f"{API}/uploads", headers={**TUS, "Upload-Length": "1"})
        assert code(answer, 429) == "too_many_uploads"
        assert int(answer.headers["retry-after"]) > 0
        theirs = {"Authorization": f"Bearer {server.other_key}"}
        assert (
            server.client.post(f"{API}/uploads", content=b"x" * 700, headers=theirs).status_code
            == 201
        )
        server.client.delete(first)
        begun(server, 400)


def test_what_comes_without_a_length_has_no_more_room(tmp_path: Path) -> None:
    policy = UploadPolicy(key_bytes=1000)
    with live(tmp_path, upload_policy=policy, limits=Limits(max_bytes=800)) as server:

        def sent(length: int) -> httpx.Response:
            pieces = (b"x" * 100 for _ in range(length // 100))
            return server.client.post(f"{API}/uploads", content=pieces)

        assert code(sent(900), 413) == "upload_too_large"
        assert sent(700).status_code == 201
        assert code(sent(400), 413) == "upload_quota"
        assert sent(300).status_code == 201
        assert code(sent(100), 413) == "upload_quota"
