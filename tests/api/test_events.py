from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from retake.core.errors import EngineFailed
from retake.queue import feed
from tests.api.live import API, Live, live
from tests.api.refusals import checked
from tests.api.sse import Stream

WHOLE = ["queued", "processing", "stage", "stage", "success"]


@pytest.fixture
def brisk(tmp_path: Path) -> Iterator[Live]:
    """A server whose streams are silent for a fifth of a second at most."""
    with live(tmp_path, heartbeat_s=0.2) as running:
        yield running


def watch(server: Live, request_id: str, last: int | None = None, key: str = "") -> Stream:
    return Stream(server, f"/requests/{request_id}/events", last, key)


def move(server: Live, request_id: str, stage: str, done: int, total: int) -> None:
    server.do(server.requests.dispatch.progressed(request_id, stage, done, total))


def finished(server: Live) -> str:
    """Return a request that has gone its whole way."""
    request_id = server.submit_async()
    server.take()
    move(server, request_id, "generate", 1, 4)
    move(server, request_id, "render", 0, 4)
    server.finish(request_id)
    return request_id


def listening(server: Live) -> int:
    return server.call(lambda: sum(server.requests._feed._counts.values()))


def wait_until_nobody_listens(server: Live) -> None:
    until = time.monotonic() + 5
    while listening(server) and time.monotonic() < until:
        time.sleep(0.02)
    assert listening(server) == 0


def test_a_request_is_followed_from_the_queue_to_its_end(server: Live) -> None:
    request_id = server.submit_async()
    with watch(server, request_id) as stream:
        assert stream.answer.headers["content-type"].startswith("text/event-stream")
        assert stream.answer.headers["cache-control"] == "no-store"
        queued = stream.next()
        assert (queued.name, queued.number) == ("queued", 1)
        assert (queued.data["status"], queued.data["queue_position"]) == ("queued", 0)
        server.take()
        begun = stream.next("processing")
        assert begun.data["progress"] == {"stage": "fetch", "done": 0, "total": 0, "percent": 0.0}
        move(server, request_id, "generate", 1, 4)
        entered = stream.next("stage")
        assert entered.data["progress"]["stage"] == "generate"
        move(server, request_id, "generate", 3, 4)
        moved = stream.next("progress")
        assert (moved.data["progress"]["done"], moved.number) == (3, entered.number)
        assert moved.data["progress"]["percent"] > entered.data["progress"]["percent"]
        move(server, request_id, "render", 0, 4)
        server.finish(request_id)
        events = stream.rest()
    assert [each.name for each in events if each.name != "progress"] == WHOLE
    end = events[-1].data
    assert end["outcome"]["video_url"].startswith(server.url)
    assert server.anybody.get(end["outcome"]["video_url"]).status_code == 200
    assert end.keys() == server.client.get(f"{API}/requests/{request_id}").json().keys()


def test_what_has_ended_is_told_at_once_and_the_stream_ends(server: Live) -> None:
    request_id = finished(server)
    with watch(server, request_id) as stream:
        events = stream.rest()
    assert [(each.name, each.number) for each in events] == [
        (name, n) for n, name in enumerate(WHOLE, 1)
    ]
    stages = [each.data["progress"]["stage"] for each in events[1:4]]
    assert stages == ["fetch", "generate", "render"]
    assert [each.data["status"] for each in events[:4]] == ["queued", *["processing"] * 3]


@pytest.mark.parametrize(
    ("end", "name"),
    [
        ({"status": "cancelled"}, "cancelled"),
        ({"status": "failed", "error": EngineFailed("no_memory", "no memory").to_dict()}, "failed"),
    ],
)
def test_every_end_is_told(server: Live, end: dict[str, object], name: str) -> None:
    request_id = server.submit_async()
    server.take()
    with watch(server, request_id) as stream:
        stream.next("processing")
        server.end(request_id, end)
        last = stream.rest()[-1]
    assert (last.name, last.data["status"]) == (name, name)
    assert last.data.get("error") == ("no memory" if name == "failed" else None)


@pytest.mark.parametrize("last", range(5))
def test_a_client_that_comes_back_hears_what_it_missed(server: Live, last: int) -> None:
    with watch(server, finished(server), last) as stream:
        assert [each.name for each in stream.rest()] == WHOLE[last:]


def test_a_client_that_has_heard_the_end_is_told_to_stay_away(server: Live) -> None:
    request_id = finished(server)
    for last in (5, 6, 10**14):
        with watch(server, request_id, last) as stream:
            assert (stream.answer.status_code, stream.rest()) == (204, [])


def test_nothing_is_missed_over_a_restart_of_the_server(tmp_path: Path) -> None:
    with live(tmp_path) as server:
        request_id = server.submit_async()
        server.take()
        move(server, request_id, "generate", 1, 4)
        with watch(server, request_id) as stream:
            last = stream.next("stage").number
        move(server, request_id, "render", 0, 4)
    with live(tmp_path) as again:
        again.client.headers["Authorization"] = f"Bearer {server.key}"
        with watch(again, request_id, last, server.key) as stream:
            missed = stream.next()
            assert (missed.name, missed.number) == ("stage", 4)
            assert missed.data["progress"]["stage"] == "render"
            assert again.do(again.requests.dispatch.begun(request_id))
            again.finish(request_id)
            assert [each.name for each in stream.rest() if each.number == 5] == ["success"]


def test_a_queued_request_tells_how_it_moves_up(server: Live) -> None:
    made = [server.submit_async() for _ in range(4)]
    with watch(server, made[3]) as stream:
        assert stream.next().data["queue_position"] == 3
        server.client.delete(f"{API}/requests/{made[1]}")
        moved = stream.next("progress")
        assert (moved.data["status"], moved.data["queue_position"]) == ("queued", 2)


def test_a_silent_stream_shows_that_it_lives(brisk: Live) -> None:
    request_id = brisk.submit_async()
    brisk.take()
    with watch(brisk, request_id) as stream, Stream(brisk, "/requests/events") as of_all:
        time.sleep(0.9)
        assert 2 <= stream.comments <= 5
        assert 2 <= of_all.comments <= 5
        assert [each.name for each in stream.events if each.name != "progress"] == WHOLE[:2]


def test_a_revoked_key_hears_no_more(brisk: Live) -> None:
    key = brisk.keys.create("short-lived")
    headers = {"Authorization": f"Bearer {key}"}
    with Stream(brisk, "/requests/events", key=key) as stream:
        brisk.keys.revoke(key)
        assert stream.rest() == []
    assert brisk.anybody.get(f"{API}/requests", headers=headers).status_code == 401


def test_a_stopping_server_lets_its_listeners_go(server: Live) -> None:
    with watch(server, server.submit_async()) as stream, Stream(server, "/requests/events") as all_:
        stream.next()
        began = time.monotonic()
        server.server.handle_exit(15, None)
        stream.rest()
        all_.rest()
        assert time.monotonic() - began < 2


def test_many_listen_to_one_request(server: Live) -> None:
    request_id = server.submit_async()
    with ExitStack() as stack:
        streams = [stack.enter_context(watch(server, request_id)) for _ in range(60)]
        server.take()
        for done in range(1, 50):
            move(server, request_id, "generate", done, 50)
        server.finish(request_id)
        ends = [stream.rest()[-1] for stream in streams]
    assert {(end.name, end.number) for end in ends} == {("success", 4)}
    wait_until_nobody_listens(server)


def test_nobody_tells_a_client_that_hung_up(server: Live) -> None:
    request_id = server.submit_async()
    for path in (f"/requests/{request_id}/events", "/requests/events"):
        with Stream(server, path) as stream:
            stream.next()
            assert listening(server) == 1
        wait_until_nobody_listens(server)


def test_a_key_has_only_so_many_streams(server: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "MOST_OF_ONE_KEY", 1)
    request_id = server.submit_async()
    with watch(server, request_id) as stream:
        stream.next()
        for path in (f"/requests/{request_id}/events", "/requests/events"):
            refused = server.client.get(f"{API}{path}")
            assert checked(refused, 429)["code"] == "too_many_listeners"
            assert refused.headers["retry-after"]


def test_only_the_owner_may_listen(server: Live) -> None:
    path = f"{API}/requests/{server.submit_async()}/events"
    theirs = {"Authorization": f"Bearer {server.other_key}"}
    assert checked(server.client.get(path, headers=theirs), 404)["code"] == "unknown_request"
    assert checked(server.anybody.get(path), 401)["code"] == "missing_key"


@pytest.mark.parametrize("last", ["-1", "x", "1.5", "1" * 16, "٣"])
def test_an_id_that_was_never_given_out_is_refused(shared: Live, last: str) -> None:
    request_id = shared.submit_async()
    for path in (f"/requests/{request_id}/events", "/requests/events"):
        headers = [(b"Last-Event-ID", last.encode())]
        answer = shared.client.get(f"{API}{path}", headers=headers)
        error = checked(answer, 400)
        assert (error["code"], error["param"]) == ("bad_event_id", "Last-Event-ID")


def test_all_of_a_keys_requests_are_in_one_stream(server: Live) -> None:
    before, ended = server.submit_async(), finished(server)
    theirs = server.do(server.keys.authenticate(server.other_key))
    assert theirs is not None
    with Stream(server, "/requests/events") as mine:
        first = mine.next()
        assert (first.name, first.data["request_id"]) == ("processing", before)
        with Stream(server, "/requests/events", key=server.other_key) as others:
            request_id = server.submit_async()
            assert mine.next("queued").data["request_id"] == request_id
            server.finish(before)
            assert mine.next("success").data["outcome"]["video_url"]
            assert server.take() == request_id
            move(server, request_id, "fetch", 1, 2)
            assert mine.next("progress").data["progress"]["done"] == 1
            server.end(request_id, {"status": "cancelled"})
            assert mine.next("cancelled").data["request_id"] == request_id
            assert others.events == []
        assert all(each.data["request_id"] != ended for each in mine.events)


def test_a_client_that_comes_back_hears_what_changed_meanwhile(tmp_path: Path) -> None:
    with live(tmp_path) as server:
        with Stream(server, "/requests/events") as stream:
            server.submit_async()
            last = stream.next("queued").number
        made = [server.submit_async() for _ in range(120)]
        server.client.delete(f"{API}/requests/{made[0]}")
    with live(tmp_path) as again, Stream(again, "/requests/events", last, server.key) as stream:
        events = [stream.next() for _ in range(121)]
        heard = {each.data["request_id"]: each.name for each in events}
        assert heard[made[0]] == "cancelled"
        assert {heard[request_id] for request_id in made[1:]} == {"queued"}
