from __future__ import annotations

import time

import pytest

from tests.api.live import API, MODEL, PAYLOAD, Live
from tests.api.refusals import checked


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("1", 1), ("300", 300), ("90s", 90), ("5m", 300), ("1h30m", 5400), ("1H1M1S", 3661)],
)
def test_a_submit_sets_its_own_deadline(server: Live, header: str, seconds: int) -> None:
    record = server.submit(Prefer="respond-async", Cancel_After=header).json()
    assert 0 <= record["cancel_at"] - record["created_at"] - seconds <= 1
    assert "reason" not in record


def test_what_has_not_ended_by_its_deadline_is_cancelled_and_says_why(server: Live) -> None:
    began = time.monotonic()
    got = server.submit(Cancel_After="1")
    assert 0.9 < time.monotonic() - began < 3
    assert (got.status_code, got.json()["status"]) == (200, "cancelled")
    assert "Cancel-After" in got.json()["reason"]
    assert server.submit(Prefer="respond-async").json()["cancel_at"] is None


@pytest.mark.parametrize(
    "header", ["", "0", "-1", "1.5", "5 m", "m", "s5", "5m1h", "604801", "999h", "9" * 40, "٣", "x"]
)
def test_a_deadline_that_is_none_is_refused(
    shared: Live, nothing_is_stored: None, header: str
) -> None:
    body = {"model": MODEL, "payload": PAYLOAD}
    headers = [(b"Cancel-After", header.encode())]
    error = checked(shared.client.post(f"{API}/requests", json=body, headers=headers), 400)
    assert (error["code"], error["param"]) == ("bad_cancel_after", "Cancel-After")


def test_two_deadlines_are_refused(shared: Live, nothing_is_stored: None) -> None:
    body = {"model": MODEL, "payload": PAYLOAD}
    headers = [(b"Cancel-After", b"5m"), (b"Cancel-After", b"5m")]
    error = checked(shared.client.post(f"{API}/requests", json=body, headers=headers), 400)
    assert error["code"] == "bad_cancel_after"


def test_files_of_cancelled_work_are_removed(server: Live) -> None:
    request_id = server.submit_async()
    server.take()
    name = f"outputs/{request_id}/thumbnail.jpg"
    with server.storage.writing(name) as stream:
        stream.write(b"published before the cancel was felt")
    server.end(request_id, {"status": "cancelled"})
    assert not server.storage.path(f"outputs/{request_id}").exists()
    assert server.client.get(f"{API}/requests/{request_id}").json()["outcome"] == {}


def test_cancelling_twice_is_cancelling_once(server: Live) -> None:
    request_id = server.submit_async()
    for _ in range(2):
        got = server.client.post(f"{API}/requests/{request_id}/cancel", content=b"\xff not read")
        assert (got.status_code, got.json()["status"]) == (200, "cancelled")
