"""The client against a server that has the documented calls of the hosted API and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from retake import Client
from retake.client import (
    AuthError,
    ConnectionLost,
    NotFound,
    RateLimited,
    RequestFailed,
    RetakeAPIError,
)
from tests.client.plain import KEY, Plain, plain_server
from tests.client.proxy import proxied

URL = "https://example.com/video.mp4"


@pytest.fixture
def server() -> Iterator[Plain]:
    with plain_server() as running:
        yield running


@pytest.fixture
def client(server: Plain) -> Iterator[Client]:
    with Client(server.url, KEY) as client:
        yield client


def test_a_file_becomes_a_new_one_there_too(client, server, tmp_path: Path) -> None:
    server.slow_s = 1.5
    told: list[str] = []
    result = client.retake(
        b"a video",
        start=1,
        duration=2,
        output=tmp_path / "new.mp4",
        progress=lambda progress: told.append(progress.status),
    )
    assert result.path.read_bytes() == f"video {result.request.id}.mp4".encode() * 1000
    assert server.files[result.request.payload["video_uri"].rpartition("/")[2]] == b"a video"
    assert "processing" in told
    # Asked for once: then it is known that there are no events.
    assert sum(path.endswith("/events") for _, path, _ in server.seen) == 1
    client.retake(URL, start=0, duration=2)
    assert sum(path.endswith("/events") for _, path, _ in server.seen) == 1


def test_the_key_goes_to_that_server_and_nowhere_else(server) -> None:
    with plain_server() as bucket:
        server.files_url = bucket.url
        with Client(server.url, KEY) as client:
            client.retake(b"a video", start=1, duration=2)
    methods = [(method, key) for method, path, key in bucket.seen]
    assert methods == [("PUT", None), ("GET", None)]
    assert {key for _, _, key in server.seen} == {f"Bearer {KEY}"}


def test_a_redirect_to_another_server_loses_the_key(server) -> None:
    with plain_server() as bucket:
        server.files_url = server.url + "/away"
        server.away = bucket.url
        with Client(server.url, KEY) as client:
            result = client.retake(URL, start=1, duration=2)
    assert result.file.content.startswith(b"video ")
    assert [key for _, _, key in bucket.seen] == [None]


def test_where_nothing_can_be_uploaded_that_is_said(client, server) -> None:
    server.uploads = False
    with pytest.raises(RetakeAPIError, match="http\\(s\\) URL") as caught:
        client.retake(b"a video", start=1, duration=2)
    assert caught.value.code == "no_uploads"
    assert client.retake(URL, start=1, duration=2).request.succeeded


def test_a_busy_server_is_asked_again(client, server) -> None:
    server.busy = 3
    assert client.retake(URL, start=1, duration=2).request.succeeded
    server.busy = 100
    with pytest.raises(RateLimited, match="slow down") as caught:
        client.models()
    assert caught.value.retry_after == 0


def test_what_it_cannot_do_is_said(client, server) -> None:
    server.slow_s = 60
    request = client.submit(URL, start=1, duration=2)
    with pytest.raises(RetakeAPIError) as caught:
        client.cancel(request.id)
    assert caught.value.code == "no_cancel"
    with pytest.raises(RetakeAPIError) as caught:
        client.dry_run(URL, start=1, duration=2)
    assert caught.value.code == "no_dry_run"
    assert len(server.records) == 1


def test_its_failures_and_refusals_are_told(client, server) -> None:
    server.fail = "the model gave up"
    with pytest.raises(RequestFailed, match="gave up"):
        client.retake(URL, start=1, duration=2)
    with pytest.raises(NotFound, match="does not exist"):
        client.model("nope")
    with pytest.raises(NotFound):
        client.wait("nope")
    with Client(server.url, "wrong") as stranger, pytest.raises(AuthError, match="unauthorized"):
        stranger.models()


def test_a_submit_that_got_no_answer_is_found_and_not_paid_twice(server) -> None:
    with proxied(server.port) as proxy, Client(proxy.url, KEY) as client:
        proxy.cuts = [0]
        request = client.submit(URL, start=1, duration=2, prompt="rain")
        assert list(server.records) == [request.id]


def test_a_submit_that_cannot_be_found_is_not_sent_again(server) -> None:
    server.forgetful = True
    with proxied(server.port) as proxy, Client(proxy.url, KEY) as client:
        proxy.cuts = [0]
        with pytest.raises(ConnectionLost, match="list of requests") as caught:
            client.submit(URL, start=1, duration=2)
    assert caught.value.code == "submit_unknown"
    assert len(server.records) == 1
