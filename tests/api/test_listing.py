from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.api.live import API, MODEL, Live
from tests.api.refusals import checked


def listed(server: Live, query: str = "") -> dict[str, Any]:
    answer = server.client.get(f"{API}/requests{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def ids(page: dict[str, Any]) -> list[str]:
    return [record["request_id"] for record in page["requests"]]


def test_pages_follow_each_other_by_their_cursor(server: Live) -> None:
    made = [server.submit_async() for _ in range(7)][::-1]
    server.client.delete(f"{API}/requests/{made[3]}")
    joined, cursor, pages = [], "", 0
    while cursor is not None:
        page = listed(server, f"?model={MODEL}&page_size=3&cursor={cursor}")
        assert (page["total"], page["total_is_exact"]) == (7, True)
        joined, pages = joined + ids(page), pages + 1
        cursor = page["next_cursor"]
    assert (joined, pages) == (made, 3)
    assert ids(listed(server, "?status=cancelled")) == [made[3]]
    assert listed(server, "?limit=7")["next_cursor"] is None
    assert ids(listed(server, f"?before={made[4]}")) == made[5:]


def test_newcomers_do_not_shift_the_pages(server: Live) -> None:
    made = [server.submit_async() for _ in range(4)][::-1]
    first = listed(server, "?limit=2")
    server.submit_async()
    second = listed(server, f"?limit=2&cursor={first['next_cursor']}")
    assert ids(first) + ids(second) == made
    assert (second["total"], second["next_cursor"]) == (5, None)


def test_a_list_is_narrowed_to_a_range_of_time(server: Live) -> None:
    first = server.submit(Prefer="respond-async").json()
    at = first["created_at"]
    while time.time() < at + 1:
        time.sleep(0.05)
    second = server.submit(Prefer="respond-async").json()
    later = second["created_at"]
    name, other = first["request_id"], second["request_id"]
    for query, expected in {
        f"?created_after={at}": [other, name],
        f"?created_after={at}.5": [other],
        f"?created_before={later}": [name],
        f"?created_after={at}&created_before={at}": [],
        f"?created_after={at}&created_before={later + 1}&status=queued": [other, name],
        f"?created_after={later}&model_id=nothing": [],
        f"?created_after={datetime.fromtimestamp(later, UTC):%Y-%m-%dT%H:%M:%SZ}": [other],
        f"?created_before={datetime.fromtimestamp(later, UTC):%Y-%m-%dT%H:%M:%S%%2B00:00}": [name],
        "?created_after=1970-01-01T00:00:00%2B05:00&created_before=99999999999": [other, name],
    }.items():
        page = listed(server, query)
        assert (ids(page), page["total"]) == (expected, len(expected)), query


@pytest.mark.parametrize(
    ("query", "code", "param"),
    [
        ("limit=0", "bad_query", "limit"),
        ("limit=101", "bad_query", "limit"),
        ("limit=1.0", "bad_query", "limit"),
        ("limit=%D9%A3", "bad_query", "limit"),
        ("page_size=-1", "bad_query", "limit"),
        ("limit=1&limit=2", "bad_query", "limit"),
        ("status=done", "unknown_status", "status"),
        ("status=queued&status=failed", "bad_query", "status"),
        ("cursor=nobody", "bad_cursor", "cursor"),
        ("before=%00", "bad_cursor", "cursor"),
        ("cursor=%ED%A0%80", "bad_cursor", "cursor"),
        ("created_after=yesterday", "bad_query", "created_after"),
        ("created_after=-5", "bad_query", "created_after"),
        ("created_after=1e9", "bad_query", "created_after"),
        ("created_after=nan", "bad_query", "created_after"),
        ("created_before=2026-11-23", "bad_query", "created_before"),
        ("created_before=2026-11-23T20:00:00", "bad_query", "created_before"),
        ("created_before=9999-99-99T00:00:00Z", "bad_query", "created_before"),
        ("created_before=" + "9" * 400, "bad_query", "created_before"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused(
    shared: Live, query: str, code: str, param: str
) -> None:
    error = checked(shared.client.get(f"{API}/requests?{query}"), 400)
    assert (error["code"], error["param"]) == (code, param)


@pytest.mark.parametrize(
    "query",
    ["limit=&status=&model=&cursor=", "frobnicate=1", "model=%00", "model=%ED%A0%80", "model=a'--"],
)
def test_what_is_empty_or_unknown_does_not_matter(shared: Live, query: str) -> None:
    assert listed(shared, f"?{query}")["requests"] == []


def test_one_cannot_page_behind_another_keys_request(server: Live) -> None:
    theirs = {"Authorization": f"Bearer {server.other_key}"}
    path = f"{API}/requests?cursor={server.submit_async()}"
    assert checked(server.client.get(path, headers=theirs), 400)["code"] == "bad_cursor"
