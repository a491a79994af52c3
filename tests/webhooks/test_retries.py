"""What was not taken is sent again, for a day and no longer."""

from __future__ import annotations

import threading
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retake.queue.webhooks import Attempt, Delivery, State
from retake.queue.webhooks.target import EVENTS
from retake.steps.notify.retries import Patience, retry_after, verdict
from tests.api.live import API
from tests.webhooks.conftest import Telling
from tests.webhooks.receiver import Answer, Receiver, until

DAY_S = 24 * 3600


def test_a_message_is_tried_for_a_day_and_then_given_up(
    telling: Telling, receiver: Receiver
) -> None:
    receiver.answer = lambda _message: Answer(503, body=b"down")
    begun = telling.clock()
    request_id = telling.done(webhook=receiver.url)
    tries = len(Patience().waits_s) + 1
    for n in range(1, tries + 1):
        receiver.wait(n)
        delivery = telling.tried(request_id, n)
        if delivery["next_attempt_at"] is None:
            break
        assert delivery["status"] == "pending"
        telling.move_on(delivery["next_attempt_at"] - telling.clock())
    assert (delivery["status"], len(delivery["attempts"])) == ("failed", tries)
    assert 20 * 3600 < telling.clock() - begun < 30 * 3600
    assert {message.id for message in receiver.messages} == {delivery["delivery_id"]}
    attempt = delivery["attempts"][-1]
    assert (attempt["status_code"], attempt["code"]) == (503, "http_503")
    assert attempt["response"] == "down"
    telling.move_on(30 * DAY_S)
    assert len(receiver.messages) == tries


def test_retry_after_is_honoured_also_by_the_messages_behind(
    telling: Telling, receiver: Receiver
) -> None:
    receiver.answers = [Answer(500), Answer(429, {"Retry-After": "3000"})]
    first = telling.done(webhook=f"{receiver.url}/a")
    assert telling.tried(first, 1)["next_attempt_at"] < telling.clock() + 10
    second = telling.done(webhook=f"{receiver.url}/a")
    telling.tried(second, 1)
    for request_id in (first, second):
        asked = telling.deliveries(request_id)[0]["next_attempt_at"]
        assert asked == pytest.approx(telling.clock() + 3000, abs=5)
    other = telling.done(webhook=f"{receiver.url}/b")
    assert telling.tried(other, 1)["status"] == "delivered"
    telling.move_on(1000)
    assert len(receiver.messages) == 3
    telling.move_on(2001)
    for request_id in (first, second):
        assert telling.tried(request_id, 2)["status"] == "delivered"


def test_a_webhook_that_is_gone_is_disabled_and_says_so(
    telling: Telling, receiver: Receiver
) -> None:
    webhook = telling.webhook(receiver.url)
    before = telling.done()
    assert telling.tried(before, 1)["status"] == "delivered"
    receiver.answer = lambda _message: Answer(410)
    request_id = telling.done()
    delivery = telling.tried(request_id, 1)
    assert (delivery["status"], delivery["next_attempt_at"]) == ("failed", None)
    (listed,) = telling.get("/webhooks")["webhooks"]
    assert (listed["enabled"], listed["disabled_reason"]) == (False, "gone")
    assert telling.deliveries(telling.done()) == []
    assert telling.deliveries(before)[0]["status"] == "delivered"
    again = f"{API}/deliveries/{delivery['delivery_id']}/redeliver"
    refused = telling.client.post(again)
    assert (refused.status_code, refused.json()["code"]) == (409, "webhook_disabled")
    receiver.answer = lambda _message: Answer(204, body=b"")
    path = f"{API}/webhooks/{webhook['webhook_id']}"
    assert telling.client.patch(path, json={"enabled": True}).json()["disabled_reason"] is None
    assert telling.client.post(again).status_code == 200
    assert telling.tried(request_id, 2)["status"] == "delivered"


def test_a_webhook_that_only_fails_for_days_is_disabled(
    telling: Telling, receiver: Receiver
) -> None:
    webhook = telling.webhook(receiver.url)
    path = f"/webhooks/{webhook['webhook_id']}"
    receiver.answers = [Answer(500)]
    telling.tried(telling.done(), 1)
    assert telling.get(path)["failing_since"] is not None
    telling.move_on(10)
    until(lambda: telling.get(path)["failing_since"] is None)
    receiver.answer = lambda _message: Answer(500)
    telling.tried(telling.done(), 1)
    telling.move_on(4 * DAY_S)
    telling.tried(telling.done(), 1)
    assert telling.get(path)["enabled"]
    telling.move_on(DAY_S + 10)
    until(lambda: telling.get(path)["disabled_reason"] == "failing")
    page = telling.get(f"{path}/deliveries")["deliveries"]
    assert {each["status"] for each in page[:2]} == {"failed"}


def test_redirects_are_not_followed(telling: Telling, receiver: Receiver) -> None:
    receiver.answers = [Answer(302, {"Location": f"{receiver.url}/elsewhere"})]
    attempt = telling.tried(telling.done(webhook=f"{receiver.url}/here"), 1)["attempts"][0]
    assert attempt["code"] == "http_302"
    assert "redirect" in attempt["error"]
    assert [message.path for message in receiver.messages] == ["/here"]


def test_nobody_there_and_nobody_answering_are_told_apart(
    telling: Telling, receiver: Receiver
) -> None:
    closed = Receiver()
    closed.close()
    refused = telling.tried(telling.done(webhook=closed.url), 1)["attempts"][0]
    assert (refused["code"], refused["status_code"]) == ("refused", None)
    receiver.answers = [Answer(wait_for=(held := threading.Event()))]
    late = telling.tried(telling.done(webhook=receiver.url), 1)["attempts"][0]
    held.set()
    assert (late["code"], late["status_code"]) == ("timeout", None)
    assert 1500 < late["duration_ms"] < 4000


def test_news_of_a_stage_is_not_told_for_a_day(telling: Telling, receiver: Receiver) -> None:
    receiver.answer = lambda _message: Answer(500)
    request_id = telling.ask(webhook={"url": receiver.url, "events": ["processing"]})
    telling.take()
    for n in range(1, 5):
        delivery = telling.tried(request_id, n)
        telling.move_on((delivery["next_attempt_at"] or telling.clock()) - telling.clock())
    assert delivery["status"] == "failed"


def _delivery(event: str, tries: int) -> Delivery:
    lane = "key host:443"
    url, base = "https://host/", "http://base"
    state = State.PENDING
    return Delivery("m", "key", None, url, lane, base, "r", event, None, 0, state, tries, 0, (), 1)


@given(
    event=st.sampled_from(EVENTS),
    tries=st.integers(0, 12),
    status=st.sampled_from([None, 301, 400, 429, 500, 503]),
    asked_s=st.none() | st.integers(0, 10**9),
    chance=st.floats(0, 1),
)
def test_the_next_try_is_later_than_asked_and_never_later_than_a_day_and_some(
    event: str, tries: int, status: int | None, asked_s: int | None, chance: float
) -> None:
    patience, now = Patience(), 1_800_000_000
    attempt = Attempt(now, 1, status, "failed", "text")
    judged = verdict(_delivery(event, tries), attempt, asked_s, patience, now, chance)
    ended = event in {"success", "failed", "cancelled"}
    assert (judged.next_at is None) == (tries >= (len(patience.waits_s) if ended else 3))
    if judged.next_at is not None:
        wait_s = judged.next_at - now
        assert wait_s >= min(asked_s or 0, DAY_S)
        assert 0.9 * patience.waits_s[tries] <= wait_s <= max(1.1 * 28800 + 1, DAY_S)
    assert (judged.pause_until is not None) == (bool(asked_s) and status in {429, 503})


def test_retry_after_is_a_number_or_a_date() -> None:
    now = 1_800_000_000
    assert retry_after("120", now) == 120
    assert retry_after(formatdate(now + 90, usegmt=True), now) == 90
    assert retry_after(formatdate(now - 90, usegmt=True), now) == 0
    for text in (None, "", "soon", "-5", "1.5", "²", "Mon, 99 Foo 2026 99:99:99 GMT", "9" * 5000):
        asked = retry_after(text, now)
        assert asked is None or asked == 999_999_999
