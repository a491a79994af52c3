"""Whatever is sent, the answer is a 4xx that says what is accepted; nothing is half stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.api.live import API, MODEL, PAYLOAD, Live, live
from tests.webhooks.conftest import Telling
from tests.webhooks.receiver import Answer, Receiver

GOOD = "http://127.0.0.1:9/hook"
URLS: list[tuple[Any, str]] = [
    (None, "missing"),
    (5, "wrong_type"),
    ([], "wrong_type"),
    (True, "wrong_type"),
    ("", "wrong_type"),
    ("   ", "wrong_type"),
    ("hook", "bad_url"),
    ("ftp://example.com/", "bad_url"),
    ("file:///etc/passwd", "bad_url"),
    ("https://", "bad_url"),
    ("https://exa mple.com/", "bad_url"),
    ("https://example.com:99999/", "bad_url"),
    ("https://example.com:0/", "bad_url"),
    ("https://exam\nple.com/", "bad_url"),
    ("http://127.0.0.1/" + "a" * 2048, "uri_too_long"),
    ("http://224.0.0.1/", "blocked_address"),
]
EVENTS: list[tuple[Any, str]] = [
    ("success", "wrong_type"),
    ({}, "wrong_type"),
    ([1], "wrong_type"),
    ([None], "wrong_type"),
    ([["success"]], "wrong_type"),
    ([], "unknown_event"),
    (["finished"], "unknown_event"),
    (["success", ""], "unknown_event"),
    (["SUCCESS"], "unknown_event"),
]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live(tmp_path_factory.mktemp("shared"), allow_private=True) as running:
        yield running


def refused(server: Live, method: str, path: str, body: Any) -> tuple[int, str, str | None]:
    answer = server.client.request(method, f"{API}{path}", json=body)
    told = answer.json()
    assert told["error"], answer.text
    return answer.status_code, told["code"], told["param"]


def test_a_bad_url_is_told(shared: Live) -> None:
    for url, code in URLS:
        assert refused(shared, "POST", "/webhooks", {"url": url}) == (400, code, "url"), url
        if url is None:
            continue
        body = {"model": MODEL, "payload": PAYLOAD, "webhook": {"url": url}}
        assert refused(shared, "POST", "/requests", body) == (400, code, "webhook.url"), url
        if not isinstance(url, dict):
            body = {"model": MODEL, "payload": PAYLOAD, "webhook_url": url}
            assert refused(shared, "POST", "/requests", body) == (400, code, "webhook_url"), url
    assert shared.client.get(f"{API}/webhooks").json()["total"] == 0
    assert shared.client.get(f"{API}/requests").json()["total"] == 0


def test_bad_events_are_told(shared: Live) -> None:
    for events, code in EVENTS:
        body: dict[str, Any] = {"url": GOOD, "events": events}
        assert refused(shared, "POST", "/webhooks", body) == (400, code, "events"), events
        body = {"model": MODEL, "payload": PAYLOAD, "webhook": body}
        assert refused(shared, "POST", "/requests", body) == (400, code, "webhook.events"), events
        body |= {"webhook": GOOD, "webhook_events_filter": events}
        found = refused(shared, "POST", "/requests", body)
        assert found == (400, code, "webhook_events_filter"), events
    assert shared.client.get(f"{API}/requests").json()["total"] == 0


def test_two_webhooks_other_fields_and_unknown_keys_are_told(shared: Live) -> None:
    both = {"model": MODEL, "payload": PAYLOAD, "webhook": GOOD, "webhook_url": GOOD}
    assert refused(shared, "POST", "/requests", both)[:2] == (400, "two_webhooks")
    for field, value, code in (
        ("description", 5, "wrong_type"),
        ("description", "a" * 501, "bad_description"),
        ("description", "a\0", "bad_description"),
        ("enabled", False, "wrong_type"),
        ("enabled", [], "wrong_type"),
        ("enabled", 1, "wrong_type"),
    ):
        body = {"url": GOOD, field: value}
        assert refused(shared, "POST", "/webhooks", body) == (400, code, field), (field, value)
    made = shared.client.post(f"{API}/webhooks", json={"url": GOOD, "colour": "red"}).json()
    assert made["warnings"] == ["unknown key 'colour' was ignored"]
    path = f"/webhooks/{made['webhook_id']}"
    for field, value, code in (
        ("url", "ftp://a/", "bad_url"),
        ("events", [], "unknown_event"),
        ("enabled", "no", "wrong_type"),
        ("description", [], "wrong_type"),
    ):
        assert refused(shared, "PATCH", path, {field: value}) == (400, code, field), (field, value)
    assert refused(shared, "PATCH", path, [])[:2] == (400, "not_an_object")
    same = shared.client.patch(f"{API}{path}", json={"url": None, "events": None}).json()
    assert (same["url"], same["events"], same["enabled"]) == (GOOD, made["events"], True)
    assert shared.client.delete(f"{API}{path}").status_code == 204


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/webhooks/none", 404, "unknown_webhook"),
        ("PATCH", "/webhooks/none", 404, "unknown_webhook"),
        ("DELETE", "/webhooks/%00", 404, "unknown_webhook"),
        ("POST", "/webhooks/none/test", 404, "unknown_webhook"),
        ("POST", "/webhooks/none/rotate-secret", 404, "unknown_webhook"),
        ("GET", "/webhooks/none/deliveries", 404, "unknown_webhook"),
        ("GET", "/requests/none/deliveries", 404, "unknown_request"),
        ("GET", "/deliveries/none", 404, "unknown_delivery"),
        ("POST", "/deliveries/%F0%9F%8E%AC/redeliver", 404, "unknown_delivery"),
        ("PUT", "/webhooks", 405, "wrong_method"),
        ("POST", "/webhooks/secret?grace_s=-1", 400, "bad_query"),
        ("POST", "/webhooks/secret?grace_s=604801", 400, "bad_query"),
        ("POST", "/webhooks/secret?grace_s=1&grace_s=2", 400, "bad_query"),
    ],
)
def test_what_is_not_there_is_told(
    shared: Live, method: str, path: str, status: int, code: str
) -> None:
    body = {} if method == "PATCH" else None
    assert refused(shared, method, path, body)[:2] == (status, code)


def test_pages_of_the_log_are_checked(shared: Live) -> None:
    made = shared.client.post(f"{API}/webhooks", json={"url": GOOD}).json()
    path = f"/webhooks/{made['webhook_id']}/deliveries"
    for query, code in (
        ("limit=0", "bad_query"),
        ("limit=101", "bad_query"),
        ("limit=x", "bad_query"),
        ("cursor=msg_none", "bad_cursor"),
    ):
        assert refused(shared, "GET", f"{path}?{query}", None)[:2] == (400, code)
    shared.client.delete(f"{API}/webhooks/{made['webhook_id']}")


def test_a_key_has_only_so_many_webhooks(shared: Live) -> None:
    made = [shared.client.post(f"{API}/webhooks", json={"url": GOOD}).json() for _ in range(20)]
    assert len({each["secret"] for each in made}) == 20
    assert refused(shared, "POST", "/webhooks", {"url": GOOD})[:2] == (409, "too_many_webhooks")
    for each in made:
        shared.client.delete(f"{API}/webhooks/{each['webhook_id']}")
    assert shared.client.post(f"{API}/webhooks", json={"url": GOOD}).status_code == 201


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(-1e300, 1e300)
    | st.text(max_size=20)
    | st.sampled_from([GOOD, "success", "*", "https://[", "http://a.b:x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["url", "events", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(value=VALUES, name=st.sampled_from(["webhook", "webhook_url", "webhook_events"]))
@settings(max_examples=60)
def test_whatever_is_asked_with_a_request_is_answered(shared: Live, value: Any, name: str) -> None:
    body = {"model": MODEL, "payload": PAYLOAD, name: value}
    if name == "webhook_events":
        body["webhook"] = GOOD
    answer = shared.client.post(f"{API}/requests?dry_run=1", json=body)
    assert answer.status_code in {200, 400}, answer.text


@given(
    body=st.dictionaries(
        st.sampled_from(["url", "events", "description", "enabled"]), VALUES, max_size=4
    )
)
@settings(max_examples=60)
def test_whatever_is_asked_of_a_webhook_is_answered(shared: Live, body: dict[str, Any]) -> None:
    answer = shared.client.post(f"{API}/webhooks", json=body)
    assert answer.status_code in {201, 400}, answer.text
    if answer.status_code == 201:
        path = f"{API}/webhooks/{answer.json()['webhook_id']}"
        assert shared.client.get(path).json()["events"]
        assert shared.client.delete(path).status_code == 204


def test_an_answer_that_never_ends_or_is_no_text_is_kept_short(
    telling: Telling, receiver: Receiver
) -> None:
    receiver.answers = [Answer(500, body=b"\xff\x00" * 30_000_000)]
    attempt = telling.tried(telling.done(webhook=receiver.url), 1)["attempts"][0]
    assert attempt["status_code"] == 500
    assert 0 < len(attempt["response"]) <= 500
    assert receiver.bytes_sent < 30_000_000
