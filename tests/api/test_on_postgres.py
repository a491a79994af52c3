"""The API on PostgreSQL: as it is on SQLite; and what it says while the database is away."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import httpx
import pytest

from retake.queue.database.postgres import database
from retake.queue.database.postgres.link import Patience
from tests.api.live import API, MODEL, PAYLOAD, Live
from tests.api.sse import Stream
from tests.postgres import PostgresServer
from tests.webhooks.receiver import until

KEY = {"Idempotency-Key": "once"}


def refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    url = postgres.fresh()
    yield url
    postgres.drop(url)


@pytest.fixture
def server(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    # What is away for five seconds is away for half of one.
    monkeypatch.setattr(database, "Patience", partial(Patience, total_s=0.5))
    with closing(Live(tmp_path, database=url, hold_s=0)) as server:
        yield server


def test_a_request_goes_its_whole_way(server: Live) -> None:
    body = {"model": MODEL, "payload": PAYLOAD}
    path = f"{API}/requests"
    made = server.client.post(path, json=body, headers=KEY).json()
    again = server.client.post(path, json=body, headers=KEY)
    assert again.json()["request_id"] == made["request_id"]
    assert again.headers["idempotency-replayed"] == "true"
    with Stream(server, f"/requests/{made['request_id']}/events") as stream:
        assert stream.next().name == "queued"
        assert server.take() == made["request_id"]
        assert stream.next("processing").data["status"] == "processing"
        server.finish(made["request_id"])
        assert stream.next("success").data["outcome"]["video_url"]
    others = [server.submit_async() for _ in range(3)]
    assert server.client.delete(f"{path}/{others[1]}").json()["status"] == "cancelled"
    page = server.client.get(f"{path}?limit=2").json()
    rest = server.client.get(f"{path}?limit=9&cursor={page['next_cursor']}").json()
    listed = [each["request_id"] for each in page["requests"] + rest["requests"]]
    assert listed == [*others[::-1], made["request_id"]]
    assert (page["total"], rest["next_cursor"]) == (4, None)
    assert server.client.get(f"{path}?status=cancelled&model={MODEL}").json()["total"] == 1


def test_what_is_not_there_is_not_found_and_keys_are_apart(server: Live) -> None:
    request_id = server.submit_async()
    theirs = {"Authorization": f"Bearer {server.other_key}"}
    for path, headers in ((request_id, theirs), ("no%00thing", {}), ("%F0%9F%8E%AC", {})):
        answer = server.client.get(f"{API}/requests/{path}", headers=headers)
        refused(answer, 404, "unknown_request")
    wrong = server.anybody.get(f"{API}/requests", headers={"Authorization": "Bearer rt_wrong"})
    refused(wrong, 401, "wrong_key")
    server.keys.revoke(server.other_key)
    refused(server.client.get(f"{API}/requests", headers=theirs), 401, "wrong_key")


def test_while_the_database_is_away_calls_say_so_and_then_go_on(
    server: Live, postgres: PostgresServer
) -> None:
    request_id = server.submit_async()
    postgres.stop()
    try:
        answer = server.client.get(f"{API}/requests/{request_id}")
        refused(answer, 503, "database_unavailable")
        assert answer.json()["retryable"]
        assert int(answer.headers["retry-after"]) > 0
        refused(server.submit(), 503, "database_unavailable")
        assert server.anybody.get("/healthz").status_code == 200
    finally:
        postgres.start_again()
    until(lambda: server.client.get(f"{API}/requests/{request_id}").status_code == 200)
    assert server.take() == request_id


def test_a_held_submit_is_acknowledged_though_the_database_goes_away_meanwhile(
    server: Live, postgres: PostgresServer
) -> None:
    held = server.in_background(lambda: server.submit(Prefer="wait=2"))
    until(
        lambda: server.requests.dispatch.admitted() or server.call(server.requests.dispatch.admit)
    )
    postgres.stop()
    try:
        answer = held()
        assert (answer.status_code, answer.json()["status"]) == (200, "queued")
    finally:
        postgres.start_again()
    request_id = answer.json()["request_id"]
    until(lambda: server.client.get(f"{API}/requests/{request_id}").status_code == 200)
