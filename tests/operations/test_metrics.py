"""What /metrics tells, and to whom."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from retake.bootstrap.gauges import operated
from retake.queue.data_dir import DataDir
from retake.queue.requests import Requests
from retake.queue.supervisor import Supervisor
from retake.telemetry.metrics import Metrics
from retake.telemetry.requests import RequestWatch
from retake.telemetry.traces import Traces
from tests.api.live import API, MODEL, PAYLOAD, Live, live

Told = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Live]:
    with live(tmp_path) as running:
        watch = RequestWatch(running.parts.metrics, Traces())
        running.requests.dispatch.observer = watch
        yield running


def metrics(server: Live) -> Told:
    return parsed(server.anybody.get("/metrics").text)


def parsed(text: str) -> Told:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def found(told: Told, name: str, **labels: str) -> float:
    return told.get((name, tuple(sorted(labels.items()))), 0.0)


def test_requests_are_counted_from_their_acceptance_to_their_end(server: Live) -> None:
    request_id = server.submit_async()
    server.take()
    server.do(server.requests.dispatch.progressed(request_id, "generate", 1, 2))
    server.do(server.requests.dispatch.progressed(request_id, "render", 1, 2))
    server.finish(request_id)
    failing = server.submit_async()
    server.take()
    error = {"kind": "bad_source", "code": "too_long", "message": "", "param": None}
    server.end(failing, {"status": "failed", "error": {**error, "retryable": False}})
    cancelled = server.submit_async()
    server.client.delete(f"{API}/requests/{cancelled}")
    told = metrics(server)
    assert found(told, "retake_requests_accepted_total", model=MODEL) == 3
    for status in ("success", "failed", "cancelled"):
        assert found(told, "retake_requests_ended_total", model=MODEL, status=status) == 1
    assert found(told, "retake_request_failures_total", code="too_long") == 1
    assert found(told, "retake_request_wait_seconds_count") == 2
    assert found(told, "retake_request_run_seconds_count", status="success") == 1
    for stage in ("fetch", "generate", "render"):
        assert found(told, "retake_stage_seconds_count", stage=stage) == 1


def test_calls_are_counted_by_template_and_errors_by_code(server: Live) -> None:
    request_id = server.submit_async()
    for _ in range(3):
        server.client.get(f"{API}/requests/{request_id}")
    server.client.get(f"{API}/requests/{'0' * 32}")
    server.client.get(f"{API}/requests")
    server.anybody.get("/no/such/place")
    server.anybody.request("PROPFIND", "/healthz")
    told = metrics(server)
    calls = "retake_http_requests_total"
    assert found(told, calls, method="POST", route="/requests", status="202") == 1
    one = "/requests/{request_id}"
    assert found(told, calls, method="GET", route=one, status="200") == 3
    assert found(told, calls, method="GET", route=one, status="404") == 1
    assert found(told, calls, method="GET", route="/requests", status="200") == 1
    assert found(told, calls, method="GET", route="other", status="404") == 1
    assert sum(value for (name, labels), value in told.items() if ("method", "other") in labels)
    assert found(told, "retake_http_errors_total", code="unknown_request") == 1
    assert found(told, "retake_http_request_seconds_count", method="GET", route=one) == 4


def test_labels_hold_nothing_of_a_key_or_a_request(server: Live) -> None:
    request_id = server.submit_async()
    server.client.get(f"{API}/requests/{request_id}")
    server.anybody.get(f"/files/uploads/{server.keys.list()[0].key_id}/secret.mp4?signature=abc")
    text = server.anybody.get("/metrics").text
    key_id = server.keys.list()[0].key_id
    for secret in (request_id, key_id, server.key, "secret", "abc", PAYLOAD["prompt"]):
        assert secret not in text


def test_strange_codes_do_not_make_series_without_end() -> None:
    counted = Metrics()
    for n in range(1000):
        counted.failed(f"code_{n}")
    text = counted.exposition().decode()
    assert text.count("retake_request_failures_total{") == 201
    assert 'retake_request_failures_total{code="other"} 800.0' in text


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "203.0.113.9"},
        {"Forwarded": "for=127.0.0.1"},
        {"Via": "1.1 proxy"},
        {"Host": "rebound.example"},
        {"Host": "192.0.2.7"},
    ],
)
def test_metrics_are_for_this_machine(server: Live, headers: dict[str, str]) -> None:
    refused = server.anybody.get("/metrics", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "metrics_forbidden")
    assert server.anybody.get("/metrics", headers={"Host": "localhost"}).status_code == 200


def test_a_token_lets_others_in_and_keeps_this_machine_out(tmp_path: Path) -> None:
    with live(tmp_path, metrics_token="s3cret") as server:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "s3cret"}):
            assert server.anybody.get("/metrics", headers=headers).status_code == 403
        token = {"Authorization": "Bearer s3cret", "X-Forwarded-For": "203.0.113.9"}
        assert server.anybody.get("/metrics", headers=token).status_code == 200
        # A key of the API is none.
        assert server.client.get("/metrics").status_code == 403


def test_gauges_tell_of_queue_engine_and_disk(tmp_path: Path) -> None:
    data_dir = DataDir(tmp_path)
    requests = Requests(data_dir)
    try:
        supervisor = Supervisor(lambda fd: [], requests)
        counted, _ = operated(requests, supervisor, data_dir)
        unfinished = requests.dispatch.unfinished
        for n in range(3):
            unfinished.enter(f"r{n}", "key")
        requests.dispatch.observer.begun("r0", MODEL, None, None)
        (data_dir.work / "r0").mkdir()
        (data_dir.work / "r0" / "source").write_bytes(bytes(1000))
        told = parsed(counted.exposition().decode())
        assert found(told, "retake_requests_queued") == 2
        assert found(told, "retake_requests_processing") == 1
        assert found(told, "retake_engine_ready") == 0
        assert found(told, "retake_data_bytes", part="work") == 1000
        assert found(told, "retake_data_bytes", part="requests.sqlite") > 0
        assert found(told, "retake_disk_free_bytes") > 0
        requests.dispatch.observer.engine_lost()
        told = parsed(counted.exposition().decode())
        assert found(told, "retake_engine_restarts_total") == 1
        assert found(told, "retake_requests_processing") == 0
    finally:
        requests.close()
