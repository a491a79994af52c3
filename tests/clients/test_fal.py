"""The published `fal-client` 1.0.3, pointed at the server: by its environment, by its constants."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import fal_client
import httpx
import pytest
from fal_client.client import FalClientHTTPError

from tests.clients.conftest import MODEL, Service
from tests.clips import make_clip

# It leaves the connections of an upload open: the collector finds them whenever it runs.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")

APP = "fal-ai/ltx-2/retake-video"
ENVIRONMENT_ALONE = """
import json, sys, fal_client
told = []
result = fal_client.subscribe(
    "fal-ai/ltx-2/retake-video",
    {"video_url": sys.argv[1], "start_time": 0.25, "duration": 2, "prompt": "rain",
     "retake_mode": "replace_video", "seed": 5},
    with_logs=True,
    on_enqueue=lambda request_id: told.append(request_id),
    on_queue_update=lambda status: told.append(type(status).__name__),
)
print(json.dumps({"told": told, "result": result}))
"""


@pytest.fixture
def client(trusted: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[fal_client.SyncClient]:
    assert version("fal-client") == "1.0.3"
    base = f"{trusted.front.url}/fal"
    module = sys.modules["fal_client.client"]
    monkeypatch.setattr(module, "QUEUE_URL_FORMAT", f"{base}/")
    monkeypatch.setattr(module, "RUN_URL_FORMAT", f"{base}/run/")
    monkeypatch.setattr(module, "REST_URL", base)
    monkeypatch.setattr(module, "CDN_URL", base)
    made = fal_client.SyncClient(key=trusted.key)
    yield made
    made._client.close()
    # Whatever it left open is found here, not in a test of something else.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def arguments(video: str, **changed: Any) -> dict[str, Any]:
    usual = {"video_url": video, "start_time": 0.25, "duration": 2, "prompt": "rain"}
    # Sound alone is made quickly.
    return usual | {"retake_mode": "replace_audio"} | changed


def test_its_environment_alone_makes_it_subscribe_here(service: Service, video: str) -> None:
    settings = {
        "FAL_KEY": service.key,
        "FAL_RUN_HOST": f"{service.front.host}/fal/run",
        "FAL_QUEUE_RUN_HOST": f"{service.front.host}/fal",
        "SSL_CERT_FILE": str(service.front.certificate),
        "NO_PROXY": "*",
    }
    done = subprocess.run(
        [sys.executable, "-c", ENVIRONMENT_ALONE, video],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    got = json.loads(done.stdout)
    request_id, *statuses = got["told"]
    assert statuses[-1] == "Completed"
    video_told = got["result"]["video"]
    assert got["result"]["seed"] == 5
    assert video_told["content_type"] == "video/mp4"
    fetched = httpx.get(video_told["url"].replace(service.front.url, service.http), trust_env=False)
    assert len(fetched.content) == video_told["file_size"]
    with service.call() as plain:
        record = plain.get(f"/requests/{request_id}").json()
    assert (record["model"], record["payload"]["mode"]) == (MODEL, "replace_video")


def test_a_request_is_submitted_looked_at_and_fetched_by_its_id(
    client: fal_client.SyncClient, video: str
) -> None:
    handle = client.submit("retake/vfx-retake", arguments(video), priority="low")
    again = client.get_handle("retake/vfx-retake", handle.request_id)
    assert again.status_url == handle.status_url
    assert client.status("retake/vfx-retake", handle.request_id) is not None
    result = client.result("retake/vfx-retake", handle.request_id)
    assert result["engine"] == "vfx"
    done = handle.status(with_logs=True)
    assert isinstance(done, fal_client.Completed)
    assert [log["message"] for log in done.logs or []][-1] == "success"
    assert done.metrics["inference_time"] >= 0
    assert done.error is None


def test_run_waits_for_the_result(client: fal_client.SyncClient, video: str) -> None:
    result = client.run(APP, arguments(video))
    assert result["video"]["file_name"].endswith(".mp4")


def test_a_request_is_cancelled_and_then_tells_so(
    client: fal_client.SyncClient, service: Service, video: str
) -> None:
    handle = client.submit(APP, arguments(video, retake_mode="replace_video"))
    handle.cancel()
    with pytest.raises(FalClientHTTPError, match="cancelled") as told:
        handle.get()
    assert told.value.error_type == "client_cancelled"
    done = handle.status()
    assert isinstance(done, fal_client.Completed)
    assert (done.error, done.error_type) == ("the request was cancelled", "client_cancelled")
    with pytest.raises(FalClientHTTPError) as late:
        handle.cancel()
    assert late.value.response.json() == {"status": "ALREADY_COMPLETED"}
    with service.call() as plain:
        assert plain.get(f"/requests/{handle.request_id}").json()["status"] == "cancelled"


def test_what_fails_is_completed_with_an_error(
    client: fal_client.SyncClient, service: Service
) -> None:
    handle = client.submit(APP, arguments(f"{service.front.url}/nothing.mp4"))
    with pytest.raises(FalClientHTTPError, match="not a public address") as told:
        handle.get()
    assert told.value.status_code == 422
    assert told.value.message[0]["loc"] == ["body", "video_url"]
    done = handle.status()
    assert isinstance(done, fal_client.Completed)
    assert done.error is not None


def test_a_refusal_names_the_parameter_as_fal_does(
    client: fal_client.SyncClient, video: str
) -> None:
    for changed, param in (
        ({"video_url": None}, "video_url"),
        ({"retake_mode": "all"}, "retake_mode"),
        ({"duration": 1}, "duration"),
    ):
        with pytest.raises(FalClientHTTPError) as told:
            client.submit(APP, arguments(video, **changed))
        assert told.value.status_code == 422
        [problem] = told.value.message
        assert problem["loc"] == ["body", param]
        assert problem["msg"].startswith(param)
    with pytest.raises(FalClientHTTPError, match="does not exist"):
        client.submit("fal-ai/flux/dev", arguments(video))
    stranger = fal_client.SyncClient(key="rt_wrong")
    with pytest.raises(FalClientHTTPError, match="unknown or was revoked") as wrong:
        stranger.submit(APP, arguments(video))
    assert wrong.value.status_code == 401
    stranger._client.close()


def test_its_time_out_is_a_deadline(
    client: fal_client.SyncClient, service: Service, video: str
) -> None:
    handle = client.submit(APP, arguments(video), start_timeout=1.5)
    with service.call() as plain:
        record = plain.get(f"/requests/{handle.request_id}").json()
    assert record["cancel_at"] - record["created_at"] in {2, 3}


@pytest.mark.parametrize("repository", ["fal_v3", "fal"])
def test_it_uploads_a_file_and_uses_it(
    client: fal_client.SyncClient, tmp_path: Path, repository: Any
) -> None:
    clip = make_clip(tmp_path / "my clip.mp4", seconds=3, size=(96, 64))
    url = client.upload_file(clip, repository=repository, fallback_repository=repository)
    assert client.run(APP, arguments(url))["video"]["file_size"] > 0


def test_the_async_client_does_the_same(
    client: fal_client.SyncClient, trusted: Service, video: str
) -> None:
    async def subscribed() -> Any:
        made = fal_client.AsyncClient(key=trusted.key)
        result = await made.subscribe(APP, arguments(video))
        await (await made._client).aclose()
        return result

    assert asyncio.run(subscribed())["video"]["content_type"] == "video/mp4"
    del client


def test_the_statuses_are_streamed(service: Service, video: str) -> None:
    headers = {"Authorization": f"Key {service.key}"}
    with httpx.Client(base_url=service.http, headers=headers, timeout=60, trust_env=False) as plain:
        made = plain.post(f"/fal/{APP}", json=arguments(video)).json()
        assert made["queue_position"] >= 0
        path = made["status_url"].removeprefix(service.front.url)
        with plain.stream("GET", f"{path}/stream?logs=1") as stream:
            told = [json.loads(line[6:]) for line in stream.iter_lines() if line[:6] == "data: "]
    assert told[-1]["status"] == "COMPLETED"
    assert told[-1]["logs"][0]["message"] == "queued"


def test_a_webhook_is_kept_with_the_request(
    client: fal_client.SyncClient, service: Service, video: str
) -> None:
    hook = "https://example.com/hook?id=1&x=2"
    handle = client.submit(APP, arguments(video), webhook_url=hook)
    handle.cancel()
    with service.call() as plain:
        record = plain.get(f"/requests/{handle.request_id}").json()
    assert record["webhook"]["url"] == hook
    with pytest.raises(FalClientHTTPError) as told:
        client.submit(APP, arguments(video), webhook_url="ftp://example.com/hook")
    assert told.value.status_code == 422
