"""The model vendor's own shapes, as its reference documents them."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from retake.core.errors import BadSource, EngineFailed
from tests.api.live import API, MODEL, Live, live

BODY: dict[str, Any] = {
    "video_uri": "https://example.com/video.mp4",
    "start_time": 1.5,
    "duration": 3,
    "prompt": "rain",
    "mode": "replace_video",
}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture
def server(tmp_path: Path):
    with live(tmp_path, dialect_hold_s=5.0) as running:
        yield running


def told(answer: httpx.Response, status: int) -> dict[str, Any]:
    """Return the error of an answer that says no in the vendor's shape."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body["type"] == "error"
    assert isinstance(body["error"]["message"], str)
    return body["error"]


def test_v1_answers_the_video_itself(server: Live) -> None:
    sent = BODY | {"model": "ltx-2-pro", "resolution": "1920x1080"}
    answer = server.in_background(lambda: server.client.post("/v1/retake", json=sent))
    request_id = server.take()
    server.finish(request_id)
    got = answer()
    assert got.status_code == 200
    assert got.headers["content-type"] == "video/mp4"
    assert got.headers["x-request-id"] == request_id
    assert got.content == f"video of {request_id}".encode() * 100
    assert 'retake "resolution was ignored' in got.headers["warning"]
    record = server.client.get(f"{API}/requests/{request_id}").json()
    assert (record["model"], record["status"]) == (MODEL, "success")
    assert record["payload"] == BODY


def test_v1_goes_on_when_the_client_hangs_up(server: Live) -> None:
    with pytest.raises(httpx.ReadTimeout):
        server.client.post("/v1/retake", json=BODY, timeout=0.5)
    request_id = server.take()
    server.finish(request_id)
    listed = server.client.get(f"{API}/requests").json()["requests"]
    assert [(each["request_id"], each["status"]) for each in listed] == [(request_id, "success")]
    later = server.client.get(f"/v2/retake/{request_id}").json()
    assert server.anybody.get(later["result"]["video_url"]).status_code == 200


def test_v1_with_an_idempotency_key_gives_the_same_video_again(server: Live) -> None:
    headers = {"Idempotency-Key": "once"}

    def call() -> httpx.Response:
        return server.client.post("/v1/retake", json=BODY, headers=headers)

    answer = server.in_background(call)
    server.finish(server.take())
    first, again = answer(), call()
    assert first.headers["x-request-id"] == again.headers["x-request-id"]
    assert first.content == again.content
    assert server.client.get(f"{API}/requests").json()["total"] == 1


def test_a_video_that_was_removed_is_told_to_be_gone(server: Live) -> None:
    answer = server.in_background(
        lambda: server.client.post("/v1/retake", json=BODY, headers={"Idempotency-Key": "1"})
    )
    request_id = server.take()
    server.finish(request_id)
    assert answer().status_code == 200
    assert server.client.delete(f"{API}/requests/{request_id}/files").is_success
    again = server.client.post("/v1/retake", json=BODY, headers={"Idempotency-Key": "1"})
    headers = {"Authorization": f"Key {server.key}"}
    in_fal = server.anybody.get(f"/fal/a/b/requests/{request_id}", headers=headers)
    for got in (again, server.client.get(f"/v2/retake/{request_id}")):
        assert told(got, 410)["type"] == "not_found_error"
    assert (in_fal.status_code, in_fal.json()["error_type"]) == (410, "file_removed")


def test_v1_says_where_the_video_will_be_when_it_takes_too_long(tmp_path: Path) -> None:
    with live(tmp_path, dialect_hold_s=0.1) as server:
        got = server.client.post("/v1/retake", json=BODY)
        error = told(got, 504)
        assert error["code"] == "still_working"
        assert got.headers["x-request-id"] in error["message"]


@pytest.mark.parametrize(
    ("failure", "status", "kind"),
    [
        (BadSource("too_long", "the video is longer than 21 s"), 400, "invalid_request_error"),
        (EngineFailed("crashed_engine", "the engine ended"), 500, "api_error"),
    ],
)
def test_what_goes_wrong_in_the_work_is_told_in_both(
    server: Live, failure: Any, status: int, kind: str
) -> None:
    answer = server.in_background(lambda: server.client.post("/v1/retake", json=BODY))
    request_id = server.take()
    server.end(request_id, {"status": "failed", "error": failure.to_dict()})
    got = answer()
    assert told(got, status)["type"] == kind
    assert got.headers["x-request-id"] == request_id
    later = server.client.get(f"/v2/retake/{request_id}").json()
    assert later["status"] == "failed"
    assert later["error"]["type"] == kind
    assert later["error"]["message"] == failure.message


def test_v2_is_accepted_and_looked_at_until_it_is_completed(server: Live) -> None:
    made = server.client.post("/v2/retake", json=BODY)
    assert made.status_code == 202
    request_id = made.json()["id"]
    assert MOMENT.fullmatch(made.json()["created_at"])

    def look() -> dict[str, Any]:
        return server.client.get(f"/v2/retake/{request_id}").json()

    assert look()["status"] == "pending"
    assert server.take() == request_id
    assert look()["status"] == "processing"
    server.finish(request_id)
    done = look()
    assert (done["id"], done["status"]) == (request_id, "completed")
    assert MOMENT.fullmatch(done["completed_at"])
    assert server.anybody.get(done["result"]["video_url"]).status_code == 200


def test_v2_finds_what_was_submitted_elsewhere_and_tells_of_a_cancel(server: Live) -> None:
    request_id = server.submit_async()
    server.client.delete(f"{API}/requests/{request_id}")
    got = server.client.get(f"/v2/retake/{request_id}").json()
    assert (got["status"], got["error"]["code"]) == ("failed", "cancelled")


@pytest.mark.parametrize(
    ("changed", "param"),
    [
        ({"duration": 1}, "duration"),
        ({"start_time": -1}, "start_time"),
        ({"video_uri": None}, "video_uri"),
        ({"mode": "all"}, "mode"),
        ({"prompt": "x" * 5001}, "prompt"),
        ({"resolution": "4K"}, "resolution"),
        ({"resolution": 1080}, "resolution"),
        ({"model": 7}, "model"),
    ],
)
def test_a_parameter_that_is_wrong_is_a_400(
    server: Live, changed: dict[str, Any], param: str
) -> None:
    for path in ("/v1/retake", "/v2/retake"):
        error = told(server.client.post(path, json=BODY | changed), 400)
        assert (error["type"], error["param"]) == ("invalid_request_error", param)
    assert server.client.get(f"{API}/requests").json()["total"] == 0


def test_refusals_have_the_vendors_types(server: Live) -> None:
    for method, path in (
        ("POST", "/v1/retake"),
        ("POST", "/v2/retake"),
        ("GET", "/v2/retake/x"),
        ("POST", "/v1/upload"),
    ):
        got = server.anybody.request(method, path, json=BODY)
        assert told(got, 401)["type"] == "authentication_error"
    assert told(server.client.get("/v2/retake/none"), 404)["type"] == "not_found_error"
    other = {"Authorization": f"Bearer {server.other_key}"}
    request_id = server.submit_async()
    hidden = server.client.get(f"/v2/retake/{request_id}", headers=other)
    assert told(hidden, 404)["type"] == "not_found_error"
    unknown = server.client.post("/v1/retake", json=BODY | {"model": "veo3"})
    assert told(unknown, 404)["type"] == "not_found_error"
    huge = server.client.post("/v1/retake", content=b" " * 2_000_000)
    assert told(huge, 413)["type"] == "request_too_large"
    bad = server.client.post("/v1/retake", content=b"{", headers={"Content-Type": "text/json"})
    assert told(bad, 400)["code"] == "bad_json"


def test_an_upload_is_put_and_used(server: Live, clip: Path) -> None:
    urls = server.client.post("/v1/upload").json()
    assert MOMENT.fullmatch(urls["expires_at"])
    put = server.anybody.put(
        urls["upload_url"], content=clip.read_bytes(), headers=urls["required_headers"]
    )
    assert put.is_success, put.text
    made = server.client.post("/v2/retake", json=BODY | {"video_uri": urls["storage_uri"]})
    assert made.status_code == 202, made.text


def test_those_who_wait_are_let_go_when_the_server_stops(tmp_path: Path) -> None:
    with live(tmp_path) as server:
        answers: list[httpx.Response] = []
        waiting = threading.Thread(
            target=lambda: answers.append(server.client.post("/v1/retake", json=BODY))
        )
        waiting.start()
        server.take()
        server.requests.release()
        waiting.join(10)
        assert told(answers[0], 504)["code"] == "still_working"
