"""Uploads as forms and as bytes: one file, in any pieces, never held whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retake.api.multipart import OneFile
from retake.core.errors import BadRequest, BadSource
from retake.core.request import Limits
from tests.api.live import API, Live, live

VIDEO = b"\0\0\0\x18ftypisom" + bytes(range(256)) * 500
BOUNDARY = "b0undary"


def form(*parts: tuple[str, bytes], end: bool = True) -> bytes:
    body = b"".join(
        f"--{BOUNDARY}\r\n{head}\r\n\r\n".encode() + data + b"\r\n" for head, data in parts
    )
    return body + (f"--{BOUNDARY}--\r\n".encode() if end else b"")


def a_file(name: str = "clip.mp4", field: str = "file") -> str:
    return f'Content-Disposition: form-data; name="{field}"; filename="{name}"'


def a_field(name: str) -> str:
    return f'Content-Disposition: form-data; name="{name}"'


def sent(server: Live, body: bytes, kind: str | None = None) -> httpx.Response:
    headers = {"Content-Type": kind or f"multipart/form-data; boundary={BOUNDARY}"}
    return server.client.post(f"{API}/uploads", content=body, headers=headers)


def nothing_is_left(server: Live) -> bool:
    return server.everything() == []


def test_a_form_s_file_comes_back_as_it_was(server: Live) -> None:
    answer = server.client.post(
        f"{API}/uploads", files={"video": ("Mein Film (1).webm", VIDEO, "video/webm")}
    )
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert answer.headers["location"] == told["url"]
    assert (told["file_name"], told["file_type"]) == ("Mein Film (1).webm", "webm")
    shown = server.anybody.get(told["public_url"] + "&download=1")
    assert shown.content == VIDEO
    assert shown.headers["content-type"] == "video/webm"
    assert shown.headers["content-disposition"] == 'attachment; filename="Mein Film (1).webm"'
    assert server.client.get(f"{API}/uploads").json()["uploads"] == [told]
    assert server.client.get(told["url"]).json() == told


def test_the_bytes_alone_will_do(server: Live) -> None:
    answer = sent(server, VIDEO, "video/quicktime")
    assert answer.status_code == 201
    assert answer.json()["file_type"] == "mov"
    assert server.anybody.get(answer.json()["public_url"]).content == VIDEO


def test_a_field_may_say_what_the_file_is(server: Live) -> None:
    body = form((a_field("file_type"), b"mkv"), (a_file("x"), VIDEO))
    assert sent(server, body).json()["file_type"] == "mkv"


BAD = [
    form((a_field("file_type"), b"mp4")),
    form(),
    b"",
    form((a_file(), VIDEO), end=False),
    form((a_file(), VIDEO), (a_file("b.mp4", "other"), VIDEO)),
    form((a_field("note"), b"x" * 2000), (a_file(), VIDEO)),
    form(*[(a_field(f"f{n}"), b"") for n in range(20)], (a_file(), VIDEO)),
    b"--other\r\n\r\n",
    f"--{BOUNDARY}\r\n{'x' * 100_000}".encode(),
]


@pytest.mark.parametrize("body", BAD)
def test_a_form_without_exactly_one_file_is_refused(shared: Live, body: bytes) -> None:
    answer = sent(shared, body)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_form"), answer.text
    assert nothing_is_left(shared)


@pytest.mark.parametrize("kind", ["multipart/form-data", "multipart/form-data; boundary="])
def test_a_form_without_a_boundary_is_refused(shared: Live, kind: str) -> None:
    assert sent(shared, form((a_file(), VIDEO)), kind).json()["code"] == "bad_form"


def test_an_unknown_type_in_a_field_is_refused(shared: Live) -> None:
    answer = sent(shared, form((a_field("file_type"), b"exe"), (a_file(), VIDEO)))
    assert answer.json()["code"] == "unknown_file_type"
    assert nothing_is_left(shared)


def test_an_empty_file_is_refused(shared: Live) -> None:
    assert sent(shared, form((a_file(), b""))).json()["code"] == "empty_upload"
    assert nothing_is_left(shared)


def test_a_file_over_the_limit_is_refused(tmp_path: Path) -> None:
    with live(tmp_path, limits=Limits(max_bytes=10_000)) as server:
        for length in (10_001, 200_000):
            answer = sent(server, form((a_file(), b"x" * length)))
            assert (answer.status_code, answer.json()["code"]) == (413, "upload_too_large")
        assert sent(server, form((a_file(), b"x" * 10_000))).status_code == 201


def test_what_is_no_video_is_refused_when_it_comes(tmp_path: Path) -> None:
    def check(path: Path) -> None:
        if path.read_bytes() != VIDEO:
            raise BadSource("no_video", "it has no pictures", param="video_uri")

    with live(tmp_path, check_arrival=check) as server:
        urls = server.client.post(f"{API}/upload-url", json={}).json()
        answers = [
            sent(server, form((a_file(), b"text"))),
            sent(server, b"text", "video/mp4"),
            server.anybody.put(urls["upload_url"], content=b"text"),
        ]
        for answer in answers:
            assert (answer.status_code, answer.json()["code"]) == (400, "no_video")
        # Where uploads are noted when a URL is asked for, that one may still come.
        noted = f".coming/{urls['upload_url'].split('/')[5]}/{urls['id']}.json"
        assert set(server.everything()) <= {noted}
        # The URL may be used again, with the video this time.
        assert server.anybody.put(urls["upload_url"], content=VIDEO).status_code == 200


@given(
    cuts=st.lists(st.integers(1, 60), max_size=200),
    data=st.binary(max_size=300) | st.just(f"\r\n--{BOUNDARY}".encode()[:-1] + b"!"),
)
def test_the_file_is_the_same_however_its_form_is_cut(cuts: list[int], data: bytes) -> None:
    body = form((a_field("note"), b"hello"), (a_file(), data))
    pieces, at = [], 0
    for cut in (*cuts, len(body)):
        pieces.append(body[at : at + cut])
        at += cut

    async def chunks() -> AsyncIterator[bytes]:
        for one in pieces:
            yield one

    async def read() -> bytes:
        reader = OneFile(f"multipart/form-data; boundary={BOUNDARY}")
        out = b"".join([one async for one in reader.file_of(chunks())])
        assert reader.form.fields == {"note": "hello"}
        assert reader.form.file_name == "clip.mp4"
        return out

    assert asyncio.run(read()) == data


@given(st.binary(max_size=400))
def test_rubbish_is_told_as_what_it_is(data: bytes) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield data

    async def read() -> None:
        async for _ in OneFile(f"multipart/form-data; boundary={BOUNDARY}").file_of(chunks()):
            pass

    with pytest.raises(BadRequest) as caught:
        asyncio.run(read())
    assert caught.value.code == "bad_form"
