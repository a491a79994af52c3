from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retake.api.prefer import preferences
from tests.api.live import API, Live, live


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("respond-async", {"respond-async": ""}),
        ("Respond-Async, WAIT=7", {"respond-async": "", "wait": "7"}),
        # The examples of RFC 7240, section 2.
        ("respond-async, wait=10", {"respond-async": "", "wait": "10"}),
        ('foo; some-parameter=""', {"foo": ""}),
        ("foo; some-parameter", {"foo": ""}),
        ('foo=""; some-parameter', {"foo": ""}),
        ("Lenient", {"lenient": ""}),
        ("priority=5", {"priority": "5"}),
        # What stands first counts.
        ("wait=1, wait=2", {"wait": "1"}),
        # Quoted texts keep their commas, quotes and equals signs to themselves.
        ('a="x, wait=5", wait=3', {"a": "x, wait=5", "wait": "3"}),
        (r'a="\", wait=5\"", wait = "3" ; p="," ;q', {"a": '", wait=5"', "wait": "3"}),
        # Malformed ones are passed over.
        ("wait=, respond-async", {"respond-async": ""}),
        ("wait=1=2, respond-async", {"respond-async": ""}),
        ("=, ;, wait=4", {"wait": "4"}),
        ('a="never closed, wait=4', {"wait": "4"}),
        (", ,,", {}),
        ("", {}),
    ],
)
def test_a_header_is_read_as_the_rfc_says(header: str, found: dict[str, str]) -> None:
    assert preferences(header) == found


@given(st.text(alphabet='aw=;,"\\ \t-1é\n', max_size=60))
def test_no_header_is_too_odd(header: str) -> None:
    for name, value in preferences(header).items():
        assert name
        assert isinstance(value, str)


def test_a_long_header_takes_no_time() -> None:
    for header in ('a="' * 20_000, "a;" * 30_000, 'a="\\' * 15_000, "a=b" * 20_000, ", " * 30_000):
        began = time.perf_counter()
        preferences(header)
        assert time.perf_counter() - began < 0.3


def test_a_wait_longer_than_allowed_is_cut_and_told(tmp_path: Path) -> None:
    with live(tmp_path, max_hold_s=0.2) as server:
        for asked in ("999999999", "1"):
            got = server.submit(Prefer=f"wait={asked}")
            assert got.headers["preference-applied"] == "wait=0.2"
            assert (got.status_code, got.json()["status"]) == (200, "queued")


def test_202_comes_only_where_it_was_asked_for_and_something_is_left_to_do(server: Live) -> None:
    assert server.submit(Prefer="wait=0").status_code == 200
    assert server.submit(Prefer="respond-async=0, wait=0").status_code == 200
    first = server.submit(Prefer="respond-async, wait=0")
    assert first.status_code == 202
    for name in [server.take() for _ in range(2)]:
        server.finish(name)
    answer = server.in_background(lambda: server.submit(Prefer="respond-async, wait=5"))
    while (request_id := server.take()) == first.json()["request_id"]:
        server.finish(request_id)
    server.finish(request_id)
    assert (answer().status_code, answer().json()["status"]) == (200, "success")
    assert answer().headers["preference-applied"] == "respond-async, wait=5"


def test_looking_may_wait_for_the_end_too(server: Live) -> None:
    request_id = server.submit_async()
    path = f"{API}/requests/{request_id}"
    at_once = server.client.get(path, headers={"Prefer": "respond-async"})
    assert (at_once.json()["status"], at_once.headers.get("preference-applied")) == ("queued", None)
    answer = server.in_background(lambda: server.client.get(path, headers={"Prefer": "wait=9"}))
    server.take()
    server.finish(request_id)
    assert (answer().status_code, answer().json()["status"]) == (200, "success")
    assert answer().headers["preference-applied"] == "wait=9"
    late = server.client.get(path, headers={"Prefer": "wait=0"})
    assert late.json()["status"] == "success"
