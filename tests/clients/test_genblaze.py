"""The published client `genblaze-gmicloud` 0.3.5, unmodified but for its base URL, by HTTPS."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import pytest
from genblaze_core.exceptions import ProviderError
from genblaze_core.models.enums import Modality, ProviderErrorCode
from genblaze_core.models.step import Step
from genblaze_core.providers import ValidationOutcome
from genblaze_gmicloud import GMICloudVideoProvider

from tests.clients.conftest import MODEL, PREFIX, Service


@pytest.fixture(params=[PREFIX, PREFIX.removesuffix("/apikey")], ids=["apikey", "bare"])
def provider(trusted: Service, request: pytest.FixtureRequest) -> Iterator[Any]:
    assert version("genblaze-gmicloud") == "0.3.5"
    made = GMICloudVideoProvider(
        trusted.key, base_url=f"{trusted.front.url}{request.param}", poll_interval=0.2
    )
    yield made
    made.close()


def step(video: str, **changed: Any) -> Step:
    params = {"video_uri": video, "start_time": 0.25, "duration": 2, "mode": "replace_audio"}
    return Step(
        provider="gmicloud",
        model=MODEL,
        modality=Modality.VIDEO,
        prompt="rain",
        seed=3,
        params=params | changed,
    )


def test_it_submits_polls_and_gets_the_video(provider: Any, trusted: Service, video: str) -> None:
    sent = step(video)
    provider.preflight_auth()
    submitted = provider.submit(sent)
    done = provider.resume(submitted.prediction_id, sent)
    assert done.status.value == "succeeded"
    assert done.assets[0].url.startswith(f"{trusted.front.url}/files/outputs/")
    assert done.assets[0].media_type == "video/mp4"
    with trusted.call() as client:
        record = client.get(f"/requests/{submitted.prediction_id}").json()
    assert (record["seed"], record["payload"]["mode"]) == (3, "replace_audio")


def test_it_finds_out_that_the_model_is_there(provider: Any) -> None:
    assert provider.validate_model(MODEL).outcome is not ValidationOutcome.NOT_FOUND
    from genblaze_gmicloud._probe import empty_payload_request_probe

    http = provider._get_http_client()
    assert empty_payload_request_probe(MODEL, http=http).value == "live"
    assert empty_payload_request_probe("veo3", http=http).value == "dead"


def test_it_is_told_why_a_request_is_refused(provider: Any, video: str) -> None:
    with pytest.raises(ProviderError, match="at least 2 s is accepted") as refused:
        provider.submit(step(video, duration=1))
    assert refused.value.error_code is ProviderErrorCode.INVALID_INPUT


def test_a_wrong_key_is_told_before_anything_is_sent(trusted: Service) -> None:
    stranger = GMICloudVideoProvider("rt_wrong", base_url=trusted.front.url + PREFIX)
    with pytest.raises(ProviderError) as refused:
        stranger.preflight_auth()
    assert refused.value.error_code is ProviderErrorCode.AUTH_FAILURE


def test_it_reads_requests_that_failed_or_were_cancelled(
    provider: Any, trusted: Service, video: str
) -> None:
    unreachable = f"{trusted.front.url}/nothing.mp4"
    with trusted.call() as client:

        def made(uri: str) -> str:
            body = {"model": MODEL, "payload": {"video_uri": uri, "duration": 2, "prompt": "fog"}}
            answer = client.post("/requests", json=body, headers={"Prefer": "respond-async"})
            return answer.json()["request_id"]

        failing, cancelled = made(unreachable), made(video)
        client.delete(f"/requests/{cancelled}")
    for request_id, said in ((failing, "not a public address"), (cancelled, "cancelled")):
        while not provider.poll(request_id):
            pass
        with pytest.raises(ProviderError, match=said):
            provider.fetch_output(request_id, step(video))
