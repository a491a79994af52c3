"""The log of what was delivered, delivering again by hand, and whose it is."""

from __future__ import annotations

from tests.api.live import API
from tests.webhooks.conftest import Telling
from tests.webhooks.receiver import Answer, Receiver, until


def test_the_log_of_a_webhook_comes_in_pages_newest_first(
    telling: Telling, receiver: Receiver
) -> None:
    webhook = telling.webhook(receiver.url)
    ids = [telling.done() for _ in range(5)]
    receiver.wait(5)
    path, pages, cursor = f"/webhooks/{webhook['webhook_id']}/deliveries?limit=2", [], ""
    while cursor is not None:
        page = telling.get(path + (f"&cursor={cursor}" if cursor else ""))
        pages.append([each["request_id"] for each in page["deliveries"]])
        cursor = page["next_cursor"]
    assert pages == [ids[:2:-1], ids[2:0:-1], ids[:1]]


def test_a_message_is_delivered_again_by_hand_with_the_same_id(
    telling: Telling, receiver: Receiver
) -> None:
    webhook = telling.webhook(receiver.url)
    request_id = telling.done()
    delivery = telling.tried(request_id, 1)
    again = telling.post(f"/deliveries/{delivery['delivery_id']}/redeliver")
    assert again.status_code == 200
    first, second = receiver.wait(2)
    assert first.id == second.id == delivery["delivery_id"]
    assert second.verified(webhook["secret"])["data"]["request_id"] == request_id
    assert telling.tried(request_id, 2)["status"] == "delivered"


def test_what_waits_follows_a_webhook_to_its_new_url(telling: Telling, receiver: Receiver) -> None:
    closed = Receiver()
    closed.close()
    webhook = telling.webhook(closed.url)
    request_id = telling.done()
    telling.tried(request_id, 1)
    path = f"{API}/webhooks/{webhook['webhook_id']}"
    changed = telling.client.patch(path, json={"url": receiver.url, "description": "moved"})
    assert (changed.json()["url"], changed.json()["description"]) == (receiver.url, "moved")
    assert changed.json()["failing_since"] is None
    telling.move_on(10)
    receiver.wait(1)
    assert telling.tried(request_id, 2)["url"] == receiver.url


def test_a_deleted_webhook_hears_nothing_more_and_its_log_stays(
    telling: Telling, receiver: Receiver
) -> None:
    receiver.answers = [Answer(500)]
    webhook = telling.webhook(receiver.url)
    request_id = telling.done()
    delivery = telling.tried(request_id, 1)
    path = f"{API}/webhooks/{webhook['webhook_id']}"
    assert telling.client.delete(path).status_code == 204
    assert telling.client.delete(path).status_code == 404
    assert telling.client.get(f"{path}/deliveries").status_code == 404
    telling.move_on(100)
    telling.done()
    assert telling.deliveries(request_id)[0]["status"] == "failed"
    again = telling.post(f"/deliveries/{delivery['delivery_id']}/redeliver")
    assert (again.status_code, again.json()["code"]) == (404, "unknown_webhook")
    assert len(receiver.messages) == 1


def test_old_deliveries_leave_the_log(telling: Telling, receiver: Receiver) -> None:
    request_id = telling.done(webhook=receiver.url)
    telling.tried(request_id, 1)
    telling.move_on(6 * 24 * 3600)
    assert telling.deliveries(request_id)
    telling.move_on(2 * 24 * 3600)
    until(lambda: not telling.deliveries(request_id))
    assert telling.get(f"/requests/{request_id}")["status"] == "success"


def test_a_delivery_that_still_waits_is_never_cleaned(telling: Telling, receiver: Receiver) -> None:
    receiver.answer = lambda _message: Answer(500, {"Retry-After": "80000"})
    request_id = telling.done(webhook=receiver.url)
    telling.tried(request_id, 1)
    assert telling.do(telling.requests.webhooks.outbox.clean(int(telling.clock()) + 10**6)) == 0
    assert telling.deliveries(request_id)[0]["status"] == "pending"


def test_nobody_sees_or_touches_another_keys(telling: Telling, receiver: Receiver) -> None:
    webhook = f"/webhooks/{telling.webhook(receiver.url)['webhook_id']}"
    request_id = telling.done()
    delivery = telling.tried(request_id, 1)["delivery_id"]
    other = {"Authorization": f"Bearer {telling.other_key}"}
    for method, path in (
        ("GET", webhook),
        ("PATCH", webhook),
        ("DELETE", webhook),
        ("POST", f"{webhook}/test"),
        ("POST", f"{webhook}/rotate-secret"),
        ("GET", f"{webhook}/deliveries"),
        ("GET", f"/requests/{request_id}/deliveries"),
        ("GET", f"/deliveries/{delivery}"),
        ("POST", f"/deliveries/{delivery}/redeliver"),
    ):
        answer = telling.anybody.request(method, API + path, headers=other, json={})
        assert answer.status_code == 404, (method, path, answer.text)
        assert telling.anybody.request(method, API + path).status_code == 401
    listed = telling.anybody.get(f"{API}/webhooks", headers=other).json()
    assert listed == {"webhooks": [], "total": 0}
    theirs = telling.anybody.post(f"{API}/webhooks", headers=other, json={"url": receiver.url})
    page = f"{API}/webhooks/{theirs.json()['webhook_id']}/deliveries?cursor={delivery}"
    assert telling.anybody.get(page, headers=other).json()["code"] == "bad_cursor"
    assert telling.get(webhook)["enabled"]
    assert len(receiver.messages) == 1


def test_another_keys_requests_are_not_told(telling: Telling, receiver: Receiver) -> None:
    webhook = telling.webhook(receiver.url, events=["*"])["webhook_id"]
    other = {"Authorization": f"Bearer {telling.other_key}", "Prefer": "respond-async"}
    body = {"model": "vfx-retake", "payload": {"video_uri": "https://example.com/v.mp4"}}
    theirs = telling.anybody.post(f"{API}/requests", headers=other, json=body).json()
    telling.finish(telling.take())
    mine = telling.done()
    receiver.wait(3)
    told = {message.json["data"]["request_id"] for message in receiver.messages}
    assert (told, theirs["request_id"] in told) == ({mine}, False)
    log = telling.get(f"/webhooks/{webhook}/deliveries")["deliveries"]
    assert {each["request_id"] for each in log} == {mine}


def test_nothing_is_sent_for_a_revoked_key(telling: Telling, receiver: Receiver) -> None:
    receiver.answers = [Answer(500)]
    request_id = telling.done(webhook=receiver.url)
    telling.tried(request_id, 1)
    (info,) = [each for each in telling.keys.list() if each.name == "test"]
    telling.keys.revoke(telling.key)
    telling.move_on(10)
    outbox = telling.requests.webhooks.outbox

    async def last() -> bool:
        (delivery,) = await outbox.of_request(request_id, info.key_id, 5, 10**9)
        return delivery.next_at is None and delivery.attempts[-1].code == "wrong_key"

    until(lambda: telling.do(last()))
    assert len(receiver.messages) == 1
