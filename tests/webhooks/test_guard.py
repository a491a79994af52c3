"""No message reaches a private address: not when the webhook is made, not when it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.api.live import API, MODEL, PAYLOAD
from tests.webhooks.conftest import Telling
from tests.webhooks.receiver import Receiver, until

PUBLIC = "93.184.215.14"


class Names:
    """Answers for every name; a test may change its mind, as a rebinding DNS server does."""

    def __init__(self) -> None:
        self.answer: Callable[[], list[str]] = lambda: [PUBLIC]
        self.asked: list[str] = []

    def __call__(self, host: str, _port: int) -> list[str]:
        self.asked.append(host)
        return self.answer()


@pytest.fixture
def names() -> Names:
    return Names()


@pytest.fixture
def guarded(tmp_path: Path, names: Names) -> Iterator[Telling]:
    with closing(Telling(tmp_path, allow_private=False, resolve=names)) as server:
        yield server


def test_a_private_address_is_refused_at_once(guarded: Telling) -> None:
    for host in (
        "127.0.0.1",
        "127.1",
        "0x7f000001",
        "[::1]",
        "10.0.0.7",
        "169.254.169.254",
        "[::]",
        "[::ffff:10.0.0.1]",
    ):
        url = f"http://{host}:8080/hook"
        body = {"model": MODEL, "payload": PAYLOAD}
        for answer, param in (
            (guarded.post("/webhooks", {"url": url}), "url"),
            (guarded.post("/requests", {**body, "webhook": url}), "webhook"),
            (guarded.post("/requests", {**body, "webhook": {"url": url}}), "webhook.url"),
        ):
            assert (answer.status_code, answer.json()["code"]) == (400, "blocked_address"), host
            assert answer.json()["param"] == param
            assert "RETAKE_FETCH_ALLOW_PRIVATE" in answer.json()["error"]
    assert guarded.get("/requests")["total"] == 0


def test_a_name_that_points_inside_is_refused_at_once(guarded: Telling, names: Names) -> None:
    names.answer = lambda: [PUBLIC, "192.168.0.9"]
    answer = guarded.post("/webhooks", {"url": "https://inside.example/"})
    assert (answer.status_code, answer.json()["code"]) == (400, "blocked_address")
    assert "192.168" not in answer.text
    made = guarded.post("/requests", {"model": MODEL, "payload": PAYLOAD, "webhook": "http://a.b"})
    assert made.json()["code"] == "blocked_address"


def test_a_name_that_does_not_resolve_is_refused_for_a_key_and_doubted_for_a_request(
    guarded: Telling, names: Names
) -> None:
    def nothing() -> list[str]:
        raise OSError("no such name")

    names.answer = nothing
    answer = guarded.post("/webhooks", {"url": "https://nowhere.example/"})
    assert (answer.status_code, answer.json()["code"]) == (400, "dns")
    request_id = guarded.ask(webhook="https://nowhere.example/")
    (warning,) = guarded.get(f"/requests/{request_id}")["warnings"]
    assert "nowhere.example" in warning


def test_a_name_that_is_bound_anew_reaches_nothing(
    guarded: Telling, names: Names, receiver: Receiver
) -> None:
    url = receiver.url.replace("127.0.0.1", "rebinding.example")
    webhook = guarded.webhook(url)
    names.answer = lambda: ["127.0.0.1"]
    request_id = guarded.done(webhook=None)
    attempt = guarded.tried(request_id, 1)["attempts"][0]
    assert (attempt["code"], attempt["status_code"]) == ("blocked_address", None)
    assert "127.0.0.1" not in attempt["error"]
    ping = guarded.post(f"/webhooks/{webhook['webhook_id']}/test").json()
    assert ping["attempts"][0]["code"] == "blocked_address"
    assert receiver.messages == []
    assert names.asked.count("rebinding.example") == 3


def test_what_was_allowed_before_is_refused_once_it_no_longer_is(
    tmp_path: Path, receiver: Receiver
) -> None:
    receiver.answer = lambda _message: (_ for _ in ()).throw(ConnectionResetError)
    with closing(Telling(tmp_path)) as before:
        request_id = before.done(webhook=receiver.url)
        name = before.tried(request_id, 1)["delivery_id"]
    sent = len(receiver.messages)
    with closing(Telling(tmp_path, allow_private=False)) as after:

        async def codes() -> list[str | None]:
            delivery = await after.requests.webhooks.outbox.get(name)
            return [attempt.code for attempt in delivery.attempts] if delivery else []

        after.move_on(10)
        until(lambda: len(after.do(codes())) == 2)
        assert after.do(codes()) == ["interrupted", "blocked_address"]
        assert len(receiver.messages) == sent


def test_the_list_says_what_is_called_where(guarded: Telling) -> None:
    guarded.webhook("https://user:word@example.com:8443/x", events=["*"])
    (listed,) = guarded.client.get(f"{API}/webhooks").json()["webhooks"]
    assert listed["url"] == "https://user:word@example.com:8443/x"
