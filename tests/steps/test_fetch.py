"""What comes of a fetch whose other side answers."""

from __future__ import annotations

import gzip
import socket
from hashlib import sha256
from pathlib import Path

import pytest

from retake.core.watch import Stage, Watch
from retake.steps.fetch import Fetched, fetch
from tests.steps.fetching import QUICK, VIDEO, brought, refused
from tests.steps.origin import origin, raw, redirects, says

HTML = b"  \n<!DOCTYPE html><html><body>Please log in</body></html>"


def test_a_video_arrives_whole_with_its_hash_and_progress(dest: Path) -> None:
    seen: list[tuple[Stage, int, int]] = []
    watch = Watch(lambda stage, done, total: seen.append((stage, done, total)))
    with origin({"/video.mp4": says(VIDEO)}) as server:
        fetched = fetch(server.url(), dest, QUICK, watch)
        asked = server.requests[0]
    assert fetched == Fetched(dest, len(VIDEO), sha256(VIDEO).hexdigest())
    assert dest.read_bytes() == VIDEO
    assert seen[-1] == (Stage.FETCH, len(VIDEO), len(VIDEO))
    assert f"Host: 127.0.0.1:{server.port}" in asked
    assert [path.name for path in dest.parent.iterdir()] == ["source.mp4"]


def test_a_video_of_unknown_length_arrives_too(dest: Path) -> None:
    chunks = b"".join(
        b"%x\r\n%s\r\n" % (len(part), part) for part in (VIDEO[:70000], VIDEO[70000:])
    )
    chunked = raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n")
    until_closed = raw(b"HTTP/1.0 200 OK\r\n\r\n" + VIDEO)
    with origin({"/chunked": chunked, "/closed": until_closed}) as server:
        for path in ("/chunked", "/closed"):
            assert brought(server, dest, path).size == len(VIDEO)
            assert dest.read_bytes() == VIDEO


def test_a_redirect_is_followed_also_a_relative_one(dest: Path) -> None:
    talks = {"/a": redirects("b?x=1"), "/b": redirects("/video.mp4"), "/video.mp4": says(VIDEO)}
    with origin(talks) as server:
        assert brought(server, dest, "/a").size == len(VIDEO)


@pytest.mark.parametrize("status", ["404 Not Found", "403 Forbidden", "500 Oops", "204 None"])
def test_an_error_of_the_other_side_is_told_by_its_status(dest: Path, status: str) -> None:
    with origin({"/video.mp4": says(b"", status=status)}) as server:
        error = refused(server.url(), dest)
    assert error.code == f"http_{status[:3]}"
    assert status in error.message
    assert error.retryable is (status[0] == "5")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (HTML, "text/html; charset=utf-8"),
        (HTML, "video/mp4"),
        (b"\xef\xbb\xbf<HTML>", ""),
        (b"no markup, but labelled as a page", "text/html"),
    ],
)
def test_a_web_page_is_no_video(dest: Path, body: bytes, kind: str) -> None:
    with origin({"/video.mp4": says(body, Content_Type=kind)}) as server:
        assert refused(server.url(), dest).code == "html_not_video"


def test_a_video_labelled_as_a_page_is_a_video(dest: Path) -> None:
    with origin({"/video.mp4": says(VIDEO, Content_Type="text/html")}) as server:
        assert brought(server, dest).size == len(VIDEO)


def test_an_empty_answer_is_no_video(dest: Path) -> None:
    with origin({"/video.mp4": says(b"")}) as server:
        assert refused(server.url(), dest).code == "empty"


def test_a_file_that_announces_too_much_is_refused_before_it_is_read(dest: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"
    with origin({"/video.mp4": raw(head)}) as server:
        error = refused(server.url(), dest)
    assert error.code == "too_large"
    assert str(QUICK.max_bytes) in error.message


def test_a_file_that_goes_on_too_long_is_stopped(dest: Path) -> None:
    def endless(connection: socket.socket, _request: str) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(VIDEO)

    with origin({"/video.mp4": endless}) as server:
        assert refused(server.url(), dest).code == "too_large"


def test_exactly_the_largest_size_is_accepted(dest: Path) -> None:
    with origin({"/video.mp4": says(bytes(QUICK.max_bytes))}) as server:
        assert brought(server, dest).size == QUICK.max_bytes


def test_a_longer_body_than_announced_is_cut_where_it_should_end(dest: Path) -> None:
    with origin({"/video.mp4": says(VIDEO, Content_Length="2000")}) as server:
        assert brought(server, dest).size == 2000


def test_a_compressed_answer_is_refused(dest: Path) -> None:
    packed = gzip.compress(bytes(10**7))
    with origin({"/video.mp4": says(packed, Content_Encoding="gzip")}) as server:
        assert refused(server.url(), dest).code == "compressed"
