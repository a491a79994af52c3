"""Videos within the submit: data: URIs."""

from __future__ import annotations

import base64
import json
import time
import tracemalloc
from pathlib import Path

import pytest

from retake.api.inline_size import without_inline
from retake.core.errors import BadSource
from retake.core.request import RetakeRequest
from tests.api.live import API, MODEL, PAYLOAD, Live, live

VIDEO = b"\0\0\0\x18ftypisom" + bytes(range(256)) * 2000


def uri(data: bytes = VIDEO, head: str = "data:video/mp4;base64,") -> str:
    return head + base64.b64encode(data).decode()


def uploads(server: Live) -> int:
    return server.client.get(f"{API}/uploads").json()["total"]


def test_it_becomes_an_upload_and_is_echoed_in_brief(server: Live) -> None:
    answer = server.submit({**PAYLOAD, "video_uri": uri()}, Prefer="respond-async")
    assert answer.status_code == 202, answer.text
    record = answer.json()
    shown = record["payload"]["video_uri"]
    assert shown.startswith(f"{server.url}{API}/uploads/")
    assert len(answer.content) < 5000
    source = server.call(lambda: server.requests.dispatch.for_engine(record["request_id"]))
    name = source["source_ref"].removeprefix("upload:")
    with server.storage.local(name) as path:
        assert path.read_bytes() == VIDEO
    # What is echoed can be sent again.
    again = server.submit({**PAYLOAD, "video_uri": shown}, Prefer="respond-async")
    assert again.status_code == 202
    theirs = {"Authorization": f"Bearer {server.other_key}"}
    body = {"model": MODEL, "payload": {**PAYLOAD, "video_uri": shown}}
    answer = server.client.post(f"{API}/requests", json=body, headers=theirs)
    assert answer.json()["code"] == "upload_not_found"


def test_it_does_not_count_as_the_json_body_and_the_rest_does(tmp_path: Path) -> None:
    with live(tmp_path, max_body_bytes=4096, data_uri_bytes=600_000) as server:
        body = {"model": MODEL, "payload": {**PAYLOAD, "video_uri": uri()}}
        headers = {"Prefer": "respond-async", "Content-Type": "application/json"}
        # PHP escapes every slash.
        for text in (json.dumps(body), json.dumps(body).replace("/", "\\/")):
            answer = server.client.post(f"{API}/requests", content=text, headers=headers)
            assert answer.status_code == 202, answer.text
        padded = {**body, "note": "x" * 5000}
        answer = server.client.post(f"{API}/requests", json=padded)
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
        two = {**body, "note": uri()}
        answer = server.client.post(f"{API}/requests", json=two)
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
        answer = server.submit({**PAYLOAD, "video_uri": uri(b"x" * 600_001)})
        assert (answer.status_code, answer.json()["code"]) == (413, "data_uri_too_large")


@pytest.mark.parametrize(
    "bad",
    [
        "data:",
        "data:,hello",
        "data:video/mp4,hello",
        "data:text/html;base64,aGVsbG8=",
        "data:video/mp4;base64,****",
        "data:video/mp4;base64,a",
        "data:video/mp4;base64," + "é",
    ],
)
def test_one_that_cannot_be_read_is_told(shared: Live, bad: str) -> None:
    answer = shared.submit({**PAYLOAD, "video_uri": bad})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_data_uri"), answer.text
    assert answer.json()["param"] == "video_uri"
    assert len(answer.content) < 2000
    assert uploads(shared) == 0


def test_an_empty_one_is_told(shared: Live) -> None:
    assert shared.submit({**PAYLOAD, "video_uri": uri(b"")}).json()["code"] == "empty_upload"


def test_a_submit_that_is_refused_leaves_nothing(tmp_path: Path) -> None:
    def check(path: Path, request: RetakeRequest) -> tuple[str, ...]:
        raise BadSource("start_past_end", "it ends before", param="start_time")

    with live(tmp_path, check_upload=check) as server:
        for changed, code in (
            ({"mode": "x"}, "unknown_mode"),
            ({"options": {"x": 1}}, "unknown_option"),
            ({"output_put_url": 5}, "wrong_type"),
            ({}, "start_past_end"),
        ):
            answer = server.submit({**PAYLOAD, "video_uri": uri(), **changed})
            assert answer.json()["code"] == code
            assert uploads(server) == 0


def test_a_dry_run_leaves_nothing(server: Live) -> None:
    body = {"model": MODEL, "payload": {**PAYLOAD, "video_uri": uri()}}
    answer = server.client.post(f"{API}/requests?dry_run=1", json=body)
    assert answer.status_code == 200, answer.text
    assert len(answer.content) < 2000
    assert uploads(server) == 0


def test_the_same_submit_again_gives_one_request_and_one_upload(server: Live) -> None:
    first, second = (
        server.submit(
            {**PAYLOAD, "video_uri": uri()}, Prefer="respond-async", Idempotency_Key="one"
        ).json()["request_id"]
        for _ in range(2)
    )
    assert first == second
    assert uploads(server) == 1
    other = server.submit({**PAYLOAD, "video_uri": uri(b"other")}, Idempotency_Key="one")
    assert other.status_code == 422


def test_dialects_take_them_too(tmp_path: Path) -> None:
    with live(tmp_path, max_body_bytes=4096) as server:
        payload = {key: value for key, value in PAYLOAD.items() if key != "video_uri"}
        answer = server.client.post("/v2/retake", json={**payload, "video_uri": uri()})
        assert answer.status_code == 202, answer.text
        assert uploads(server) == 1


def test_measuring_a_body_takes_neither_long_nor_much(tmp_path: Path) -> None:
    whole = json.dumps({"video_uri": uri(bytes(range(256)) * 20_000)}).encode()
    bodies = [whole, whole[:-2], b'"data:' * 10**6, (b'"data:' + b"x" * 294) * 20_000]
    tracemalloc.start()
    began = time.process_time()
    left = [without_inline(body) for body in bodies]
    took = time.process_time() - began
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert left[0] < 100
    assert left[1:] == [len(body) for body in bodies[1:]]
    assert took < 2
    assert peak < 2**20
