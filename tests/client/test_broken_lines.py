"""Connections that break, servers that are restarted or have no time."""

from __future__ import annotations

import io
import threading
import time
from pathlib import Path

import pytest

from retake import Client
from retake.client import ConnectionLost, RateLimited
from tests.api.live import PAYLOAD, live
from tests.client.engine import played
from tests.client.proxy import proxied

URL = PAYLOAD["video_uri"]


def test_a_submit_whose_answer_is_lost_is_one_request(through, proxy, server) -> None:
    proxy.cuts = [0]
    request = through.submit(URL, start=0, duration=2)
    assert [each.id for each in through.list()] == [request.id]
    assert proxy.taken > 1


@pytest.mark.parametrize("wrap", [bytes, io.BytesIO])
def test_an_upload_whose_connection_breaks_is_sent_again(through, proxy, server, wrap) -> None:
    proxy.cuts_up = [100_000]
    upload = through.upload(wrap(b"video" * 50_000))
    assert proxy.taken > 1
    name = upload.url.partition("/files/")[2].partition("?")[0]
    assert server.storage.path(name).read_bytes() == b"video" * 50_000


def test_a_download_goes_on_where_it_broke(through, proxy, server, tmp_path) -> None:
    whole = bytes(range(256)) * 4096
    request_id = server.submit_async()

    def finish() -> None:
        name = f"outputs/{server.take()}/video.mp4"
        with server.storage.writing(name) as stream:
            stream.write(whole)
        outcome = {"files": {"video": name}, "report": {}, "notes": []}
        server.end(request_id, {"status": "success", "outcome": outcome})

    finish()
    request = through.get(request_id)
    proxy.cut()
    proxy.cuts = [300_000, 300_000, 300_000, 300_000]
    got: list[int] = []
    file = through.download(
        request, tmp_path / "new.mp4", progress=lambda progress: got.append(progress.done)
    )
    assert (tmp_path / "new.mp4").read_bytes() == whole
    assert file.size == len(whole)
    # What had come stayed: the file grew without beginning anew.
    assert got == sorted(got)
    assert proxy.taken >= 4


def test_a_download_that_never_gets_on_leaves_nothing(through, proxy, server, tmp_path) -> None:
    request_id = server.submit_async()
    server.finish(server.take())
    request = through.get(request_id)
    proxy.cut()
    proxy.target = None
    with Client(proxy.url, server.key, tries=2, patience_s=1) as client:
        with pytest.raises(ConnectionLost) as caught:
            client.download(request, tmp_path / "new.mp4")
        assert caught.value.retryable
    assert list(tmp_path.glob("*new*")) + list(tmp_path.glob(".*new*")) == []


def test_an_expired_url_is_asked_for_anew(tmp_path) -> None:
    class Clock:
        ahead = 0.0

        def __call__(self) -> float:
            return time.time() + self.ahead

    clock = Clock()
    with live(tmp_path, clock=clock, url_ttl_s=60) as server:
        request_id = server.submit_async()
        server.finish(server.take())
        with Client(server.url, server.key) as client:
            request = client.get(request_id)
            clock.ahead = 3600
            assert client.download(request).read().startswith(b"video of")


def test_a_restart_of_the_server_is_waited_for(tmp_path: Path) -> None:
    with proxied(None) as proxy:
        with live(tmp_path) as server:
            proxy.target, key = server.port, server.key
            client = Client(proxy.url, key, patience_s=30)
            request = client.submit(URL, start=0, duration=2)
            results: list[object] = []

            def wait() -> None:
                results.append(client.wait(request.id, timeout_s=60))

            waiting = threading.Thread(target=wait)
            waiting.start()
            time.sleep(0.3)
        proxy.target = None
        proxy.cut()
        time.sleep(0.5)
        with live(tmp_path) as again, played(again):
            proxy.target = again.port
            waiting.join(30)
        client.close()
        assert [done.id for done in results] == [request.id]
        assert results[0].succeeded


def test_a_server_that_stays_away_is_given_up(tmp_path: Path) -> None:
    with (
        live(tmp_path) as server,
        proxied(server.port) as proxy,
        Client(proxy.url, server.key, patience_s=0.5, tries=2) as client,
    ):
        request = client.submit(URL, start=0, duration=2)
        proxy.target = None
        proxy.cut()
        began = time.monotonic()
        with pytest.raises(ConnectionLost) as caught:
            client.wait(request.id)
        assert time.monotonic() - began < 15
        assert caught.value.request_id == request.id


def test_a_server_that_asks_for_patience_gets_it(tmp_path: Path) -> None:
    from retake.api.limits import Quotas, RateLimits

    rates = RateLimits(Quotas(submits=1))
    with (
        live(tmp_path, rates=rates) as server,
        Client(server.url, server.key, tries=1) as client,
    ):
        client.submit(URL, start=0, duration=2)
        with pytest.raises(RateLimited) as caught:
            client.submit(URL, start=0, duration=3)
        assert caught.value.status == 429
        assert caught.value.retry_after > 0
        assert caught.value.retryable
        assert len(list(client.list())) == 1
