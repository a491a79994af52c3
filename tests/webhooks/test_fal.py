"""A client of fal names its webhook as it is used to, and hears in the form that it knows."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import fal_client
import pytest

from tests.webhooks.conftest import Telling
from tests.webhooks.receiver import Receiver

APP = "fal-ai/ltx-2/retake-video"
ASKED = {"video_url": "https://example.com/v.mp4", "prompt": "rain"}


@pytest.fixture
def client(telling: Telling, monkeypatch: pytest.MonkeyPatch) -> Iterator[fal_client.SyncClient]:
    module = sys.modules["fal_client.client"]
    monkeypatch.setattr(module, "QUEUE_URL_FORMAT", f"{telling.url}/fal/")
    made = fal_client.SyncClient(key=telling.key)
    yield made
    made._client.close()


def test_the_published_client_is_told_of_a_result(
    client: fal_client.SyncClient, telling: Telling, receiver: Receiver
) -> None:
    secret = telling.post("/webhooks/secret").json()["secret"]
    handle = client.submit(APP, ASKED, webhook_url=f"{receiver.url}/hook")
    telling.finish(telling.take())
    told = receiver.wait(1)[0].verified(secret)
    assert (told["status"], told["request_id"]) == ("OK", handle.request_id)
    result = handle.get()
    # Only the moment at which their URLs were signed may differ.
    for each in (told["payload"], result):
        assert telling.anybody.get(each["video"].pop("url")).status_code == 200
    assert told["payload"] == result


def test_the_published_client_is_told_of_a_failure_and_of_a_bad_url(
    client: fal_client.SyncClient, telling: Telling, receiver: Receiver
) -> None:
    handle = client.submit(APP, ASKED, webhook_url=receiver.url)
    error = {"kind": "fetch_failed", "code": "dns", "message": "video_uri does not resolve"}
    error |= {"param": "video_uri", "retryable": True}
    telling.end(telling.take(), {"status": "failed", "error": error})
    told = receiver.wait(1)[0].json
    assert (told["status"], told["request_id"]) == ("ERROR", handle.request_id)
    assert told["payload"]["detail"][0]["loc"] == ["body", "video_url"]
    with pytest.raises(Exception, match="ftp://"):
        client.submit(APP, ASKED, webhook_url="ftp://nowhere")


def test_the_form_is_one_of_two(telling: Telling, receiver: Receiver) -> None:
    body = {"model": "vfx-retake", "payload": {"video_uri": "https://example.com/v.mp4"}}
    for form in ("xml", 5, ["fal"]):
        asked = {**body, "webhook": {"url": receiver.url, "form": form}}
        told = telling.post("/requests", asked).json()
        assert (told["code"], told["param"]) == ("unknown_form", "webhook.form")
