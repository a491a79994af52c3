"""Instance to instance: a server without an engine of its own hands requests on to another."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from typer.testing import CliRunner

from retake import Client
from retake.cli.main import app
from retake.client import Cancelled, RequestFailed, RetakeAPIError
from tests.e2e.server import Server
from tests.hosted.upstream import UpstreamServer, journals, upstream_server


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UpstreamServer]:
    with upstream_server(tmp_path_factory.mktemp("upstream") / "up") as running:
        yield running


@pytest.fixture(autouse=True)
def _as_usual(upstream: UpstreamServer) -> None:
    upstream.delay_s, upstream.fail, upstream.sound, upstream.size = 0.0, None, True, None


@pytest.fixture(scope="module")
def here(upstream: UpstreamServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that has no key of its own upstream, and no other engine loaded."""
    folder = tmp_path_factory.mktemp("here") / "data"
    server = Server(folder, upstream_url=upstream.server.url, engine="hosted").start()
    yield server
    assert server.stop() == 0


@pytest.fixture
def client(here: Server) -> Iterator[Client]:
    with Client(here.base, here.key) as client:
        yield client


@pytest.fixture
def paying(upstream: UpstreamServer) -> dict[str, dict[str, str]]:
    return {"headers": {"X-Upstream-Authorization": f"Bearer {upstream.server.key}"}}


def frames(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def packets(path: Path) -> set[bytes]:
    with av.open(str(path)) as container:
        return {bytes(packet) for packet in container.demux() if packet.size}


def until(true, timeout_s: float = 30) -> None:
    end = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def test_the_section_is_made_there_and_everything_else_stays_as_it_was(
    client, upstream, here, paying, clip, tmp_path
) -> None:
    before = len(upstream.records)
    told: list[float] = []
    request = client.submit(clip, start=1, duration=2, prompt="negative", seed=5, **paying)
    done = client.wait(request.id, timeout_s=90, progress=lambda p: told.append(p.percent or 0))
    out = client.download(done, tmp_path / "out.mp4").path
    assert done.engine == "hosted"
    [record] = upstream.records[before:]
    assert any(record["request_id"] in note and "vfx" in note for note in done.notes), done.notes
    assert "painted negative" in done.notes
    assert all(check["passed"] for check in done.report.raw["checks"])
    assert done.report.fallback is None
    old, new = frames(clip), frames(out)
    assert len(new) == len(old)
    middle = slice(24 + 8, 72 - 8)
    for was, now in zip(old[middle], new[middle], strict=True):
        assert np.abs((255 - was.astype(int)) - now).mean() < 12
    for was, now in zip(old[:24], new[:24], strict=True):
        assert np.array_equal(was, now)
    # The upstream server spoilt all of its sound and pictures: nothing of that is here.
    assert len(packets(clip) & packets(out)) > len(packets(clip)) / 3
    asked = record["payload"]
    # A second on either side goes along, and that is all.
    assert (asked["start_time"], asked["duration"]) == (1.0, 2.0)
    assert (asked["prompt"], asked["mode"]) == ("negative", "replace_audio_and_video")
    assert told == sorted(told)
    # The answer's handles were looked at; a negative is no tint that could be put right.
    assert done.report.raw["colour_match"] == {"before": None, "after": None}


def test_an_upstream_server_that_makes_everything_paler_is_put_right(
    client, upstream, paying, clip, tmp_path
) -> None:
    upstream.pale = True
    try:
        request = client.submit(clip, start=1, duration=2, mode="replace_video", **paying)
        done = client.wait(request.id, timeout_s=90)
    finally:
        upstream.pale = False
    match = done.report.raw["colour_match"]
    for side in ("before", "after"):
        assert match[side]["offset"] == pytest.approx([-8, -8, -8], abs=3)
        assert match[side]["left"] < 1.5 < 6 < match[side]["off_by"]
    out = client.download(done, tmp_path / "out.mp4").path
    apart = [
        np.mean(now.astype(int) - was)
        for was, now in zip(frames(clip)[32:64], frames(out)[32:64], strict=True)
    ]
    assert np.abs(apart).max() < 2


def test_a_killed_child_follows_the_same_upstream_request(
    client, upstream, here, paying, clip
) -> None:
    before = len(upstream.records)
    upstream.delay_s = 4.0
    request = client.submit(clip, start=1, duration=2, mode="replace_audio", **paying)
    until(lambda: any(entry["request_id"] for entry in journals(here.data_dir / "work")))
    for child in here.children():
        os.kill(child, signal.SIGKILL)
    done = client.wait(request.id, timeout_s=90)
    assert done.succeeded
    records = upstream.records[before:]
    assert [record["status"] for record in records] == ["success"]
    assert done.report.video == "copied"


def test_a_cancel_is_passed_on(client, upstream, here, paying, clip) -> None:
    before = len(upstream.records)
    upstream.delay_s = 60.0
    request = client.submit(clip, start=1, duration=2, **paying)
    until(lambda: len(upstream.records) > before)
    began = time.monotonic()
    client.cancel(request.id)
    with pytest.raises(Cancelled):
        client.wait(request.id, timeout_s=30)
    until(lambda: upstream.records[-1]["status"] == "cancelled", 10)
    assert time.monotonic() - began < 15


def test_a_cancel_is_passed_on_even_when_no_child_is_there_to_do_it(
    client, upstream, here, paying, clip
) -> None:
    before = len(upstream.records)
    upstream.delay_s = 60.0
    request = client.submit(clip, start=1, duration=2, **paying)
    until(lambda: any(entry["request_id"] for entry in journals(here.data_dir / "work")))
    for child in here.children():
        os.kill(child, signal.SIGKILL)
    assert client.cancel(request.id).status == "cancelled"
    until(lambda: upstream.records[before]["status"] == "cancelled", 10)


def test_an_upstream_failure_arrives_with_its_code(client, upstream, here, paying, clip) -> None:
    upstream.fail = {"kind": "engine_failed", "code": "not_understood", "retryable": False}
    upstream.fail |= {"message": "a dog is beyond it", "param": "prompt"}
    request = client.submit(clip, start=1, duration=2, prompt="a dog", **paying)
    with pytest.raises(RequestFailed, match="a dog is beyond it") as caught:
        client.wait(request.id, timeout_s=60)
    assert (caught.value.code, caught.value.param) == ("not_understood", "prompt")


def test_a_wrong_key_fails_the_request_and_says_so(client, upstream, here, clip) -> None:
    headers = {"X-Upstream-Authorization": "Bearer rt_wrong"}
    request = client.submit(clip, start=1, duration=2, headers=headers)
    with pytest.raises(RequestFailed, match="unknown or was revoked") as caught:
        client.wait(request.id, timeout_s=60)
    assert caught.value.code == "wrong_key"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "upstream_key_missing"),
        ({"X-Upstream-Authorization": "sk-naked"}, "malformed_upstream_key"),
    ],
)
def test_what_nobody_would_pay_for_is_refused_at_once(client, here, headers, code) -> None:
    before = len(list(client.list()))
    with pytest.raises(RetakeAPIError) as caught:
        client.submit(f"{here.base}/example.mp4", start=1, duration=2, headers=headers)
    assert (caught.value.status, caught.value.code) == (400, code)
    assert caught.value.param == "X-Upstream-Authorization"
    assert len(list(client.list())) == before


def test_a_key_is_kept_only_as_long_as_it_is_needed_and_never_in_clear(
    client, upstream, here, paying, clip
) -> None:
    upstream.delay_s = 60.0
    request = client.submit(clip, start=1, duration=2, **paying)
    kept = here.data_dir / "upstream-keys" / request.id
    until(kept.is_file)
    secret = upstream.server.key.encode()
    for path in here.data_dir.rglob("*"):
        if path.is_file():
            assert secret not in path.read_bytes(), path
    assert upstream.server.key not in json.dumps(dict(client.get(request.id).raw))
    client.cancel(request.id)
    until(lambda: not kept.exists())


def test_the_command_line_hands_on_with_the_operator_s_key(
    upstream, clip, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("RETAKE_UPSTREAM_URL", upstream.server.url)
    monkeypatch.setenv("RETAKE_UPSTREAM_KEY", upstream.server.key)
    upstream.size, upstream.sound = (96, 54), False
    arguments = ["edit", str(clip), "-o", str(tmp_path / "out.mp4"), "--engine", "hosted"]
    arguments += ["--start", "0:00.500", "--duration", "2", "--mode", "replace_video", "--json"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    report = json.loads(done.output.splitlines()[-1])["report"]
    assert report["engine"] == "hosted"
    assert report["audio"]["action"] == "copied"
    assert any("96x54" in note for note in report["notes"])
    assert (
        np.abs((255 - frames(clip)[36].astype(int)) - frames(tmp_path / "out.mp4")[36]).mean() < 25
    )


def test_a_server_that_would_hand_on_to_itself_refuses(tmp_path, clip) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    names = {"upstream_url": url, "upstream_model": "vfx-retake", "engine": "hosted"}
    own = Server(tmp_path / "data", port=port, **names).start()
    try:
        with Client(own.base, own.key) as client:
            key = {"headers": {"X-Upstream-Authorization": f"Bearer {own.key}"}}
            request = client.submit(clip, start=1, duration=2, model="hosted-retake", **key)
            with pytest.raises(RequestFailed, match="leads back") as caught:
                client.wait(request.id, timeout_s=60)
            assert caught.value.code == "upstream_loop"
    finally:
        assert own.stop() == 0


def test_what_a_killed_attempt_submitted_is_found_where_no_key_makes_it_the_same(
    tmp_path,
) -> None:
    from retake import AsyncClient
    from retake.core.watch import Watch
    from retake.engines.hosted.conversation import Conversation
    from retake.engines.hosted.journal import Journal
    from tests.client.plain import KEY, plain_server

    with plain_server() as plain:
        journal = Journal(tmp_path / "shot")
        entry = journal.entry(plain.url, "ltx-2-pro-retake")
        payload = {"video_uri": f"{plain.url}/bucket/x", "start_time": 1.0, "duration": 2.0}
        entry = journal.keep(entry, payload=payload)

        def attempt():
            def open_client() -> AsyncClient:
                return AsyncClient(plain.url, KEY)

            talk = Conversation(open_client, plain.url, entry.model, Watch(), 10**9)
            return talk.submit(journal, entry, None)

        first = attempt()
        # As after a kill right behind the submit: the journal does not know of it.
        second = attempt()
        assert second.request_id == first.request_id
        assert list(plain.records) == [first.request_id]


def test_without_an_upstream_server_there_is_no_such_engine(clip, tmp_path) -> None:
    arguments = ["edit", str(clip), "-o", str(tmp_path / "out.mp4"), "--engine", "hosted"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert "RETAKE_UPSTREAM_URL" in done.output
