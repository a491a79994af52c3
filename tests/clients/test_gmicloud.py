"""The published client `gmicloud` 0.1.10, unmodified but for its base URL, at `retake serve`."""

from __future__ import annotations

import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.clients.conftest import MODEL, Service

pytestmark = [
    # Its model of a GPU has whole numbers whose default is a text; pydantic-core says so.
    pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince20"),
]


@pytest.fixture
def videos(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sign in with a key of the server; the client keeps its tokens in the home folder."""
    import gmicloud
    from gmicloud._internal._client import _iam_client, _video_client

    assert version("gmicloud") == "0.1.10"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "*")
    for module in (_iam_client, _video_client):
        monkeypatch.setattr(module, "IAM_SERVICE_BASE_URL", f"{service.http}/api/v1")
    return gmicloud.Client("me@example.com", service.key).video_manager


def submitted(videos: Any, **payload: Any) -> Any:
    from gmicloud._internal._models import SubmitRequestRequest

    payload = {
        "start_time": 0.25,
        "duration": 2,
        "prompt": "rain",
        "seed": 3,
        "mode": "replace_audio",
    } | payload
    return videos.create_request(SubmitRequestRequest(model=MODEL, payload=payload))


def ended(videos: Any, request_id: str) -> Any:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        record = videos.get_request_detail(request_id)
        if record.status.value in {"success", "failed", "cancelled"}:
            return record
        time.sleep(0.2)
    raise AssertionError(record)


def test_it_signs_in_submits_polls_and_gets_the_video(
    service: Service, videos: Any, video: str
) -> None:
    answer = submitted(videos, video_uri=video)
    assert answer.model == MODEL
    record = ended(videos, answer.request_id)
    assert record.status.value == "success"
    assert record.payload["prompt"] == "rain"
    url = record.outcome["media_urls"][0]["url"].replace(service.front.url, service.http)
    assert httpx.get(url, trust_env=False).content[4:8] == b"ftyp"


def test_it_lists_its_requests(videos: Any, video: str) -> None:
    answer = submitted(videos, video_uri=video)
    listed = videos.get_requests(MODEL)
    assert listed[0].request_id == answer.request_id
    assert all(record.model == MODEL for record in listed)


def test_it_reads_what_the_model_is(videos: Any) -> None:
    model = videos.get_model_detail(MODEL)
    assert model.model == MODEL
    assert {"video_uri", "start_time", "duration", "prompt", "mode"} <= {
        parameter["name"] for parameter in model.parameters
    }
    assert MODEL in [each.model for each in videos.get_models()]


def test_it_is_told_why_a_request_is_refused(videos: Any, video: str) -> None:
    refused = submitted(videos, video_uri=video, duration=1)
    assert refused["code"].strip() == "400"
    assert "at least 2 s" in refused["error"]


def test_it_reads_a_request_that_was_cancelled(service: Service, videos: Any, video: str) -> None:
    with service.call() as client:
        body = {"model": MODEL, "payload": {"video_uri": video, "duration": 2, "prompt": "storm"}}
        made = client.post("/requests", json=body, headers={"Prefer": "respond-async"}).json()
        client.delete(f"/requests/{made['request_id']}")
    assert ended(videos, made["request_id"]).status.value == "cancelled"


def test_a_wrong_password_signs_nobody_in(
    service: Service, videos: Any, caplog: pytest.LogCaptureFixture
) -> None:
    import gmicloud

    with pytest.raises(Exception, match=r"401|Unauthorized"):
        gmicloud.Client("other@example.com", "rt_wrong")
    del service, videos, caplog
