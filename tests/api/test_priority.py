"""`Queue-Priority` orders a key's own requests."""

from __future__ import annotations

import pytest

from tests.api.live import API, MODEL, PAYLOAD, Live
from tests.api.refusals import checked


def test_the_highest_priority_is_next_and_the_oldest_of_it(server: Live) -> None:
    def submit(priority: str) -> str:
        headers = {"Prefer": "respond-async", "Queue_Priority": priority}
        return server.submit(**headers).json()["request_id"]

    ids = [submit(priority) for priority in ("low", "normal", "HIGH", "high")]
    found = [server.client.get(f"{API}/requests/{name}").json()["queue_position"] for name in ids]
    assert found == [3, 2, 0, 1]


def test_fals_priority_is_the_same(server: Live) -> None:
    body = {"video_url": PAYLOAD["video_uri"], "start_time": 1, "prompt": "x"}

    def submit(priority: str) -> int:
        headers = {"X-Fal-Queue-Priority": priority}
        sent = server.client.post("/fal/retake/vfx-retake", json=body, headers=headers)
        return sent.json()["queue_position"]

    assert [submit("low"), submit("normal")] == [0, 0]


@pytest.mark.parametrize("header", ["", "1", "urgent", "high, low"])
def test_a_priority_that_is_none_is_refused(
    shared: Live, nothing_is_stored: None, header: str
) -> None:
    body = {"model": MODEL, "payload": PAYLOAD}
    headers = {"Queue-Priority": header}
    error = checked(shared.client.post(f"{API}/requests", json=body, headers=headers), 400)
    assert (error["code"], error["param"]) == ("bad_priority", "Queue-Priority")
