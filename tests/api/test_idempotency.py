from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import httpx
import pytest

from retake.core.errors import BadSource
from tests.api.live import API, MODEL, PAYLOAD, Live, live
from tests.api.refusals import checked

KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"


def again(server: Live, key: str = KEY, **headers: str) -> httpx.Response:
    return server.submit(Prefer="respond-async", Idempotency_Key=key, **headers)


def total(server: Live) -> int:
    return server.client.get(f"{API}/requests").json()["total"]


def test_the_same_submit_gives_the_same_request(server: Live) -> None:
    first = again(server)
    assert "idempotency-replayed" not in first.headers
    second = again(server)
    assert second.status_code == 202
    assert second.headers["idempotency-replayed"] == "true"
    assert second.json()["request_id"] == first.json()["request_id"]
    assert second.json()["seed"] == first.json()["seed"]
    assert total(server) == 1
    server.finish(server.take())
    third = server.submit(Idempotency_Key=KEY)
    assert (third.status_code, third.json()["status"]) == (200, "success")
    assert third.json()["outcome"]["video_url"]


def test_a_replayed_submit_waits_for_the_result_as_the_first_would(server: Live) -> None:
    again(server)
    answer = server.in_background(lambda: server.submit(Idempotency_Key=KEY))
    server.finish(server.take())
    assert (answer().status_code, answer().json()["status"]) == (200, "success")


def test_a_replay_with_a_header_that_is_none_is_refused(server: Live) -> None:
    again(server)
    for wrong in ({"Queue_Priority": "{}"}, {"Cancel_After": "soon"}):
        assert again(server, **wrong).status_code == 400


def test_a_failure_is_replayed_too(server: Live) -> None:
    again(server)
    error = BadSource("too_long", "the video is 25 s long; at most 21 s", param="video_uri")
    server.end(server.take(), {"status": "failed", "error": error.to_dict()})
    replayed = server.submit(Idempotency_Key=KEY)
    assert (replayed.status_code, replayed.json()["code"]) == (400, "too_long")


def test_however_the_same_json_is_written_it_is_the_same(server: Live) -> None:
    first = again(server).json()["request_id"]
    body = {"payload": dict(reversed(PAYLOAD.items())), "model": MODEL}
    headers = {"Idempotency-Key": f'"{KEY}"', "Content-Type": "application/json"}
    headers["Prefer"] = "respond-async"
    spaced = json.dumps(body, indent=4)
    got = server.client.post(f"{API}/requests", content=spaced, headers=headers)
    assert got.json()["request_id"] == first


@pytest.mark.parametrize("changes", [{"prompt": "other"}, {"seed": 1}, {"new": None}])
def test_another_body_with_the_same_key_is_refused(server: Live, changes: dict[str, int]) -> None:
    first = again(server).json()["request_id"]
    got = server.submit({**PAYLOAD, **changes}, Idempotency_Key=KEY)
    error = checked(got, 422)
    assert (error["code"], error["param"]) == ("idempotency_key_reused", "Idempotency-Key")
    assert first in error["error"]
    assert total(server) == 1


def test_copies_sent_at_once_give_one_request(server: Live) -> None:
    gate = threading.Barrier(12)

    def send() -> httpx.Response:
        gate.wait()
        return again(server)

    answers = [answer() for answer in [server.in_background(send) for _ in range(12)]]
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["request_id"] for answer in answers}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    assert total(server) == 1


def test_copies_of_an_upload_that_is_checked_slowly_give_one_request(tmp_path: Path) -> None:
    with live(tmp_path, check_upload=lambda _path, _wanted: time.sleep(0.2) or ()) as server:
        name = f"uploads/{server.keys.list()[0].key_id}/a.mp4"
        with server.storage.writing(name) as stream:
            stream.write(b"video")
        links = server.client.post(f"{API}/upload-url", json={"file_type": "mp4"}).json()
        server.anybody.put(links["upload_url"], content=b"video")
        payload = {**PAYLOAD, "video_uri": links["public_url"]}

        def send() -> httpx.Response:
            return server.submit(payload, Prefer="respond-async", Idempotency_Key=KEY)

        answers = [answer() for answer in [server.in_background(send) for _ in range(4)]]
        assert len({answer.json()["request_id"] for answer in answers}) == 1
        server.storage.delete_tree(f"uploads/{server.keys.list()[0].key_id}")
        assert send().json()["request_id"] == answers[0].json()["request_id"]


def test_keys_belong_to_their_api_key(server: Live) -> None:
    mine = again(server).json()["request_id"]
    theirs = again(server, Authorization=f"Bearer {server.other_key}").json()["request_id"]
    assert mine != theirs


def test_what_was_refused_may_be_sent_again_mended(server: Live) -> None:
    refused = server.submit({**PAYLOAD, "duration": 1}, Idempotency_Key=KEY)
    assert checked(refused, 400)["code"] == "duration_too_short"
    assert again(server).status_code == 202


def test_a_request_is_known_again_after_a_restart(tmp_path: Path) -> None:
    with live(tmp_path) as server:
        first = again(server).json()["request_id"]
    with live(tmp_path) as restarted:
        bearer = f"Bearer {server.key}"
        assert again(restarted, Authorization=bearer).json()["request_id"] == first


@pytest.mark.parametrize(
    "key",
    ["", '""', "x" * 256, f'"{"x" * 256}"', '"open', 'a"b\\', "ключ", "a\tb", '"\\x"', '"a" "b"'],
)
def test_a_key_that_is_none_is_refused(shared: Live, nothing_is_stored: None, key: str) -> None:
    body = {"model": MODEL, "payload": PAYLOAD}
    headers = [(b"Idempotency-Key", key.encode())]
    got = shared.client.post(f"{API}/requests", json=body, headers=headers)
    error = checked(got, 400)
    assert (error["code"], error["param"]) == ("bad_idempotency_key", "Idempotency-Key")


def test_two_keys_are_refused(shared: Live, nothing_is_stored: None) -> None:
    body = {"model": MODEL, "payload": PAYLOAD}
    headers = [(b"Idempotency-Key", b"a"), (b"Idempotency-Key", b"b")]
    got = shared.client.post(f"{API}/requests", json=body, headers=headers)
    assert checked(got, 400)["code"] == "bad_idempotency_key"


@pytest.mark.parametrize("key", ["a", "x" * 255, "a b", r'"a \" \\ b"', "user:1/2,3;4=5"])
def test_keys_may_look_like_this(server: Live, key: str) -> None:
    assert again(server, key).json()["request_id"] == again(server, key).json()["request_id"]
