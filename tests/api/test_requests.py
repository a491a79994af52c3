from __future__ import annotations

import asyncio
import json
import socket
import time
from pathlib import Path

import pytest

from retake.core.errors import BadSource, EngineFailed, FetchFailed
from tests.api.live import API, BARE, MODEL, PAYLOAD, REPORT, Live, live

STATUSES = {"queued", "processing", "success", "failed", "cancelled"}


def test_a_submit_waits_for_its_result_and_answers_with_it(server: Live) -> None:
    answer = server.in_background(server.submit)
    request_id = server.take()
    server.finish(request_id)
    got = answer()
    assert got.status_code == 200
    record = got.json()
    assert record["request_id"] == request_id
    assert (record["model"], record["status"]) == (MODEL, "success")
    assert record["payload"] == PAYLOAD
    assert record["outcome"]["media_urls"][0]["id"] == "0"
    assert record["outcome"]["media_urls"][0]["url"] == record["outcome"]["video_url"]
    assert record["outcome"]["thumbnail_image_url"].startswith(server.url)
    assert record["report"] == REPORT
    assert record["notes"] == ["understood: explosion"]
    assert record["is_public"] is False
    assert isinstance(record["org_id"], str)
    assert isinstance(record["seed"], int)
    for moment in ("created_at", "updated_at", "queued_at", "started_at", "finished_at"):
        assert type(record[moment]) is int
    assert got.headers["location"] == f"{API}/requests/{request_id}"
    assert got.headers["cache-control"] == "no-store"


def test_a_result_is_there_again_with_fresh_urls_that_work(server: Live) -> None:
    request_id = server.submit_async()
    server.take()
    server.finish(request_id)
    for prefix in (API, BARE):
        record = server.client.get(f"{prefix}/requests/{request_id}").json()
        assert record["status"] == "success"
        video = server.anybody.get(record["outcome"]["video_url"])
        assert video.content == f"video of {request_id}".encode() * 100
        assert record["outcome"]["expires_at"] > time.time() + 3000


def test_a_submit_that_takes_longer_than_it_is_held_goes_on(tmp_path: Path) -> None:
    with live(tmp_path, hold_s=0.3) as server:
        answer = server.in_background(server.submit)
        request_id = server.take()
        got = answer()
        assert (got.status_code, got.json()["status"]) == (200, "processing")
        assert got.json()["outcome"] is None
        server.finish(request_id)
        record = server.client.get(f"{API}/requests/{request_id}").json()
        assert record["status"] == "success"


def test_a_submit_that_nobody_takes_is_answered_as_queued(tmp_path: Path) -> None:
    with live(tmp_path, hold_s=0.1) as server:
        got = server.submit()
        assert (got.status_code, got.json()["status"]) == (200, "queued")
        assert got.json()["queue_position"] == 0


def test_respond_async_answers_202_at_once_and_says_so(server: Live) -> None:
    began = time.monotonic()
    got = server.submit(Prefer="respond-async")
    assert time.monotonic() - began < 1
    assert got.status_code == 202
    assert got.json()["status"] == "queued"
    assert got.headers["preference-applied"] == "respond-async"


@pytest.mark.parametrize(
    ("prefer", "status", "applied"),
    [
        ("wait=0", 200, "wait=0"),
        ("wait=0, respond-async", 202, "respond-async, wait=0"),
        ('Wait="0"', 200, "wait=0"),
        ("handling=lenient, wait=0", 200, "wait=0"),
    ],
)
def test_a_client_says_how_long_it_waits(
    server: Live, prefer: str, status: int, applied: str
) -> None:
    began = time.monotonic()
    got = server.submit(Prefer=prefer)
    assert time.monotonic() - began < 1
    assert (got.status_code, got.headers["preference-applied"]) == (status, applied)


@pytest.mark.parametrize("prefer", ["wait=-1", "wait=x", "wait", "wait=1e9", "ümlaut"])
def test_a_preference_that_means_nothing_is_ignored(tmp_path: Path, prefer: str) -> None:
    with live(tmp_path, hold_s=0.1) as server:
        got = server.client.post(
            f"{API}/requests",
            json={"model": MODEL, "payload": PAYLOAD},
            headers=[(b"Prefer", prefer.encode())],
        )
        assert got.status_code == 200
        assert "preference-applied" not in got.headers


@pytest.mark.parametrize(
    "error",
    [
        FetchFailed("http_404", "example.com answered 404", param="video_uri"),
        BadSource("too_long", "the video is 25 s long; at most 21 s", param="video_uri"),
    ],
)
def test_a_held_submit_whose_request_is_at_fault_is_a_400_with_the_record(
    server: Live, error: BadSource
) -> None:
    answer = server.in_background(server.submit)
    request_id = server.take()
    server.end(request_id, {"status": "failed", "error": error.to_dict()})
    got = answer()
    assert got.status_code == 400
    told = {"error": error.message, "code": error.code, "param": "video_uri", "status": "failed"}
    assert told.items() <= got.json().items()
    assert got.json()["request_id"] == request_id


def test_another_failure_is_200_and_failed(server: Live) -> None:
    answer = server.in_background(server.submit)
    request_id = server.take()
    error = EngineFailed("no_memory", "the engine ran out of memory", retryable=True)
    server.end(request_id, {"status": "failed", "error": error.to_dict()})
    got = answer()
    assert got.status_code == 200
    for record in (got.json(), server.client.get(f"{API}/requests/{request_id}").json()):
        assert record["status"] == "failed"
        assert record["error"] == record["reason"] == record["outcome"]["error"] == error.message
        assert (record["code"], record["retryable"]) == ("no_memory", True)


def test_progress_is_in_the_status(server: Live) -> None:
    request_id = server.submit_async()
    server.take()
    server.do(server.requests.dispatch.progressed(request_id, "generate", 30, 120))
    record = server.client.get(f"{API}/requests/{request_id}").json()
    assert record["status"] == "processing"
    assert record["progress"]["stage"] == "generate"
    assert (record["progress"]["done"], record["progress"]["total"]) == (30, 120)
    assert 0 < record["progress"]["percent"] < 100


def test_a_queued_request_is_cancelled_at_once(server: Live) -> None:
    for cancel in (
        lambda name: server.client.delete(f"{API}/requests/{name}"),
        lambda name: server.client.post(f"{BARE}/requests/{name}/cancel"),
    ):
        request_id = server.submit_async()
        got = cancel(request_id)
        assert (got.status_code, got.json()["status"]) == (200, "cancelled")
        assert got.json()["outcome"] == {}


def test_cancelling_what_has_ended_changes_nothing(server: Live) -> None:
    request_id = server.submit_async()
    server.take()
    server.finish(request_id)
    got = server.client.delete(f"{API}/requests/{request_id}")
    assert (got.status_code, got.json()["status"]) == (200, "success")


def test_a_cancelled_request_ends_its_held_submit(server: Live) -> None:
    answer = server.in_background(server.submit)
    while not (found := server.client.get(f"{API}/requests").json()["requests"]):
        time.sleep(0.01)
    server.client.delete(f"{API}/requests/{found[0]['request_id']}")
    assert (answer().status_code, answer().json()["status"]) == (200, "cancelled")


def test_the_list_is_newest_first_by_model_status_and_page(server: Live) -> None:
    made = [server.submit_async() for _ in range(3)]
    body = {"model": "vfx-retake", "payload": PAYLOAD}
    other = server.client.post(
        f"{API}/requests", json=body, headers={"Prefer": "respond-async"}
    ).json()["request_id"]

    def listed(query: str) -> tuple[list[str], int]:
        answer = server.client.get(f"{API}/requests{query}").json()
        return [record["request_id"] for record in answer["requests"]], answer["total"]

    newest_first = made[::-1]
    assert listed("") == ([other, *newest_first], 4)
    assert listed(f"?model_id={MODEL}") == (newest_first, 3)
    assert listed(f"?model={MODEL}") == (newest_first, 3)
    assert listed("?model_id=vfx-retake") == ([other], 1)
    assert listed("?model_id=nothing") == ([], 0)
    assert listed("?status=success") == ([], 0)
    assert listed(f"?model={MODEL}&limit=2")[0] == newest_first[:2]
    assert listed(f"?model={MODEL}&limit=2&before={newest_first[1]}")[0] == newest_first[2:]


def test_nothing_of_one_key_is_visible_to_another(server: Live) -> None:
    request_id = server.submit_async()
    theirs = {"Authorization": f"Bearer {server.other_key}"}
    for method, path in (
        ("GET", f"/requests/{request_id}"),
        ("DELETE", f"/requests/{request_id}"),
        ("POST", f"/requests/{request_id}/cancel"),
    ):
        got = server.client.request(method, f"{API}{path}", headers=theirs)
        assert (got.status_code, got.json()["code"]) == (404, "unknown_request")
    page = server.client.get(f"{API}/requests", headers=theirs).json()
    assert (page["requests"], page["total"]) == ([], 0)
    mine = server.client.get(f"{API}/requests/{request_id}").json()
    assert mine["status"] == "queued"


def test_the_work_goes_on_when_the_client_hangs_up(server: Live) -> None:
    body = b'{"model":"ltx-2-pro-retake","payload":{"video_uri":"https://example.com/v.mp4"}}'
    head = (
        f"POST {API}/requests HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.key}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head.encode() + body)
        request_id = server.take()
    time.sleep(0.1)
    server.finish(request_id)
    record = server.client.get(f"{API}/requests/{request_id}").json()
    assert record["status"] == "success"


def test_nobody_waits_for_a_client_that_hung_up(tmp_path: Path) -> None:
    with live(tmp_path, hold_s=60) as server:

        def tasks() -> int:
            return server.call(lambda: len(asyncio.all_tasks()))

        before = tasks()
        body = json.dumps({"model": MODEL, "payload": PAYLOAD}).encode()
        head = (
            f"POST {API}/requests HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.key}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(head.encode() + body)
            server.take()
            assert tasks() > before
        deadline = time.monotonic() + 5
        while tasks() > before and time.monotonic() < deadline:
            time.sleep(0.02)
        assert tasks() == before


def test_a_stopping_server_answers_held_submits_at_once(server: Live) -> None:
    answer = server.in_background(server.submit)
    server.take()
    began = time.monotonic()
    server.server.handle_exit(15, None)
    assert (answer().status_code, answer().json()["status"]) == (200, "processing")
    assert time.monotonic() - began < 2


def test_what_is_not_understood_comes_back_as_warnings(server: Live) -> None:
    body = {
        "model": MODEL,
        "payload": {**PAYLOAD, "frobnicate": 1, "ü": [{}]},
        "webhook": "https://example.com",
    }
    got = server.client.post(f"{API}/requests", json=body, headers={"Prefer": "respond-async"})
    warnings = " ".join(got.json()["warnings"])
    for name in ("frobnicate", "ü", "webhook"):
        assert name in warnings
    assert got.json()["payload"] == body["payload"]


def test_a_result_that_json_cannot_hold_is_told_all_the_same(server: Live) -> None:
    request_id = server.submit_async()
    server.take()
    report = {"seams": {"psnr_in_db": float("inf"), "steps": [float("nan"), 1.5]}}
    outcome = {"files": {}, "report": report, "notes": ["half \ud800 a pair"]}
    server.end(request_id, {"status": "success", "outcome": outcome})
    for path in (f"/requests/{request_id}", "/requests"):
        got = server.client.get(f"{API}{path}")
        assert got.status_code == 200
        record = got.json().get("requests", [got.json()])[0]
        assert record["report"] == {"seams": {"psnr_in_db": None, "steps": [None, 1.5]}}
        assert record["outcome"]["media_urls"] == []


def test_the_seed_is_the_one_sent_or_a_drawn_one(server: Live) -> None:
    sent = server.submit({**PAYLOAD, "seed": 7}, Prefer="respond-async").json()
    assert sent["seed"] == 7
    drawn = {server.submit(Prefer="respond-async").json()["seed"] for _ in range(3)}
    assert len(drawn) == 3
    assert all(0 <= seed < 2**32 for seed in drawn)


def test_only_the_source_is_needed(server: Live) -> None:
    got = server.submit({"video_uri": "http://example.com/a.mp4"}, Prefer="respond-async")
    assert got.status_code == 202
    assert got.json()["status"] in STATUSES
