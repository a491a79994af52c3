"""What a receiver gets, verified by the published library."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from standardwebhooks import WebhookVerificationError

from tests.api.live import API
from tests.webhooks.conftest import Telling
from tests.webhooks.receiver import Answer, Receiver, until


def test_a_webhook_of_the_key_hears_of_a_success_signed_by_its_secret(
    telling: Telling, receiver: Receiver
) -> None:
    webhook = telling.webhook(f"{receiver.url}/hook?a=b")
    request_id = telling.done()
    (message,) = receiver.wait(1)
    told = message.verified(webhook["secret"])
    assert (message.path, told["type"]) == ("/hook?a=b", "retake.success")
    assert told["data"]["request_id"] == request_id
    record = telling.get(f"/requests/{request_id}")
    assert told["data"].keys() == record.keys()
    assert told["data"]["report"] == record["report"]
    assert telling.anybody.get(told["data"]["outcome"]["video_url"]).status_code == 200
    with pytest.raises(WebhookVerificationError):
        message.verified("whsec_" + "A" * 32)
    assert telling.tried(request_id, 1)["status"] == "delivered"


@pytest.mark.parametrize(
    "asked",
    [
        lambda url: {"webhook": url},
        lambda url: {"webhook": {"url": url}},
        lambda url: {"webhook_url": url},
        lambda url: {"webhook": url, "webhook_events_filter": ["completed"]},
    ],
)
def test_a_request_brings_its_own_webhook_signed_by_the_keys_secret(
    telling: Telling, receiver: Receiver, asked
) -> None:
    secret = telling.post("/webhooks/secret").json()["secret"]
    request_id = telling.done(**asked(receiver.url))
    (message,) = receiver.wait(1)
    assert message.verified(secret)["data"]["request_id"] == request_id
    asked_for = telling.get(f"/requests/{request_id}")
    assert asked_for["webhook"] == {
        "url": receiver.url,
        "events": ["success", "failed", "cancelled"],
    }
    assert asked_for["warnings"] == []


def test_only_what_the_filter_names_is_told(telling: Telling, receiver: Receiver) -> None:
    telling.webhook(f"{receiver.url}/all", events=["*"])
    telling.webhook(f"{receiver.url}/ends", events=["retake.failed", "cancelled"])
    request_id = telling.ask(webhook={"url": f"{receiver.url}/own", "events": ["success"]})
    assert telling.take() == request_id
    telling.do(telling.requests.dispatch.progressed(request_id, "render", 1, 2))
    telling.finish(request_id)
    telling.client.delete(f"{API}/requests/{telling.ask()}")
    receiver.wait(4 + 1 + 2 + 1)
    heard: dict[str, list[str]] = {}
    for message in receiver.messages:
        heard.setdefault(message.path, []).append(message.type.removeprefix("retake."))
    assert sorted(heard.pop("/all")) == sorted(
        ["queued", "processing", "stage", "success", "queued", "cancelled"]
    )
    assert heard == {"/ends": ["cancelled"], "/own": ["success"]}
    stage = next(m.json for m in receiver.messages if m.type == "retake.stage")["data"]
    assert (stage["status"], stage["progress"]["stage"]) == ("processing", "render")
    assert (stage["outcome"], stage["finished_at"], stage["report"]) == (None, None, None)


def test_what_is_told_late_is_told_as_it_was_then(telling: Telling, receiver: Receiver) -> None:
    receiver.answers = [Answer(500), Answer(500)]
    request_id = telling.ask(webhook={"url": receiver.url, "events": ["queued", "processing"]})
    telling.take()
    until(lambda: sum(len(each["attempts"]) for each in telling.deliveries(request_id)) == 2)
    telling.finish(request_id)
    telling.move_on(10)
    told = {message.type: message.json["data"] for message in receiver.wait(4)[2:]}
    for event in ("queued", "processing"):
        then = told[f"retake.{event}"]
        assert then["status"] == event
        assert [then[key] for key in ("outcome", "finished_at", "report")] == [None] * 3
    assert told["retake.queued"]["started_at"] is None
    assert told["retake.processing"]["progress"]["stage"] == "fetch"


def test_a_failure_is_told_as_the_record_tells_it(telling: Telling, receiver: Receiver) -> None:
    request_id = telling.ask(webhook=receiver.url)
    error = {"kind": "bad_source", "code": "damaged", "message": "cut off", "param": "video_uri"}
    telling.end(telling.take(), {"status": "failed", "error": {**error, "retryable": False}})
    told = receiver.wait(1)[0].json
    assert (told["type"], told["data"]["code"]) == ("retake.failed", "damaged")
    assert told["data"] == telling.get(f"/requests/{request_id}")


def test_a_replaced_secret_signs_on_for_a_while(telling: Telling, receiver: Receiver) -> None:
    first = telling.webhook(receiver.url)
    rotate = f"/webhooks/{first['webhook_id']}/rotate-secret"
    second = telling.post(f"{rotate}?grace_s=100").json()
    assert second["old_secret_until"] == pytest.approx(telling.clock() + 100, abs=3)
    telling.done()
    message = receiver.wait(1)[0]
    assert len(message.headers["webhook-signature"].split()) == 2
    for secret in (first["secret"], second["secret"]):
        message.verified(secret)
    telling.clock.ahead_s += 101
    telling.done()
    signatures = receiver.wait(2)[1].headers["webhook-signature"]
    assert len(signatures.split()) == 1
    third = telling.post(f"{rotate}?grace_s=0").json()
    assert third["old_secret_until"] is None
    listed = telling.client.get(f"{API}/webhooks").text
    assert not any(each["secret"] in listed for each in (first, second, third))


def test_a_ping_tells_whether_the_webhook_works(telling: Telling, receiver: Receiver) -> None:
    webhook = telling.webhook(receiver.url)
    test = f"/webhooks/{webhook['webhook_id']}/test"
    told = telling.post(test).json()
    assert (told["type"], told["status"]) == ("retake.ping", "delivered")
    assert told["attempts"][0]["status_code"] == 200
    assert receiver.messages[0].verified(webhook["secret"])["type"] == "retake.ping"
    receiver.answers = [Answer(500, body=b"broken")]
    told = telling.post(test).json()
    assert (told["status"], told["next_attempt_at"]) == ("failed", None)
    assert (told["attempts"][0]["code"], told["attempts"][0]["response"]) == ("http_500", "broken")
    assert telling.get(f"/webhooks/{webhook['webhook_id']}")["failing_since"] is None


def test_each_try_carries_fresh_urls_the_same_id_and_the_time_it_was_made(
    telling: Telling, receiver: Receiver
) -> None:
    receiver.answers = [Answer(500)]
    request_id = telling.done(webhook=receiver.url)
    telling.tried(request_id, 1)
    telling.move_on(10)
    first, second = receiver.wait(2)
    assert first.id == second.id
    assert int(second.headers["webhook-timestamp"]) >= int(first.headers["webhook-timestamp"]) + 10
    assert first.json["timestamp"] == second.json["timestamp"]
    urls = [each.json["data"]["outcome"]["video_url"] for each in (first, second)]
    assert urls[0] != urls[1]
    until(lambda: telling.deliveries(request_id)[0]["status"] == "delivered")


def test_urls_begin_where_the_operator_says_else_where_the_client_came_from(
    tmp_path: Path, receiver: Receiver
) -> None:
    for number, (base_url, begins) in enumerate(
        [("https://videos.example/", "https://videos.example/files/"), (None, None)], start=1
    ):
        with closing(Telling(tmp_path / str(number), base_url=base_url)) as telling:
            telling.done(webhook=receiver.url)
            url = receiver.wait(number)[-1].json["data"]["outcome"]["video_url"]
            assert url.startswith(begins or f"{telling.url}/files/")
