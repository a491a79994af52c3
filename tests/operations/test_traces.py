"""One trace for each request, from the client through the server into the engine child."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from retake.core.errors import BadSource, Cancelled
from retake.core.watch import Stage, Watch
from retake.telemetry.traces import make_traces
from tests.clips import make_clip
from tests.e2e.server import Server
from tests.operations.otlp import receiver

CLIENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
STAGES = [stage.value for stage in Stage]


def test_a_request_is_one_trace_across_both_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = make_clip(tmp_path / "clip.mp4")
    with receiver() as received:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", received.url)
        server = Server(tmp_path / "data", min_section_s="0.1").start()
        try:
            payload = {"video_uri": server.upload(clip), "start_time": 0.2, "duration": 0.4}
            payload |= {"mode": "replace_audio", "prompt": "secret rain"}
            with server.client() as client:
                answer = client.post(
                    "/requests",
                    json={"model": "ltx-2-pro-retake", "payload": payload},
                    headers={"traceparent": CLIENT},
                )
            assert answer.json()["status"] == "success", answer.text
            request_id = answer.json()["request_id"]
            call, work = received.named("POST /requests"), received.named("work")
            wait, publish = received.named("wait"), received.named("publish")
        finally:
            server.stop()
    trace, client_span = CLIENT.split("-")[1:3]
    assert {span.trace for span in (call, wait, work, publish)} == {trace}
    assert call.above == client_span
    assert wait.above == work.above == call.span
    assert (call.process, wait.process, work.process) == ("server", "server", "engine")
    stages = [span for span in received.spans if span.above == work.span]
    names = [span.name for span in sorted(stages, key=lambda span: span.began)]
    assert (names[0], names[-1]) == ("fetch", "publish")
    # Of sound alone nothing is rendered that would take a moment.
    assert set(STAGES) - set(names) <= {"render"}
    assert all(work.began <= span.began <= span.ended <= work.ended for span in stages)
    assert call.began <= wait.began <= wait.ended <= work.ended <= call.ended
    for span in (call, wait, work):
        assert span.attributes["retake.request_id"] == request_id
    assert (call.attributes["http.response.status_code"], call.failed) == (200, False)
    told = repr(received.spans)
    assert "secret rain" not in told
    assert "signature" not in told


def test_the_uploads_own_call_is_not_part_of_the_requests_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiver() as received:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", received.url)
        traces = make_traces("server")
        one = traces.call("GET", [(b"traceparent", CLIENT.encode())])
        other = traces.call("GET", [(b"traceparent", b"00-nonsense-01")])
        assert one.trace.split("-")[1] == CLIENT.split("-")[1]
        assert other.trace.split("-")[1] != CLIENT.split("-")[1]
        other.answered("/healthz", 503, None)
        traces.close()
        assert received.named("GET /healthz").failed


@pytest.mark.parametrize(
    ("error", "failed"), [(BadSource("too_long", "secret"), True), (Cancelled(), False)]
)
def test_what_stops_the_work_is_told_by_its_code(
    error: Exception, failed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiver() as received:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", received.url)
        traces = make_traces("engine")
        with pytest.raises(type(error)), traces.work("r1", CLIENT, nobody) as tell:
            Watch(tell).progress(Stage.FETCH, 0, 0)
            raise error
        traces.close()
        for name in ("work", "fetch"):
            span = received.named(name)
            assert (span.attributes["error.type"], span.failed) == (error.code, failed)
        assert "secret" not in repr(received.spans)


def nobody(_stage: Stage, _done: int, _total: int) -> None:
    return


def test_a_collector_that_is_not_there_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    traces = make_traces("server")
    traces.call("GET", []).answered(None, 200, None)
    traces.close()


@pytest.mark.parametrize(
    "settings", [{}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_SDK_DISABLED": "true"}]
)
def test_nothing_of_the_sdk_is_loaded_where_nobody_wants_traces(settings: dict[str, str]) -> None:
    code = (
        "import sys, retake.api.app, retake.bootstrap.gauges\n"
        "from retake.telemetry.traces import Traces, make_traces\n"
        "assert type(make_traces('server')) is Traces\n"
        "loaded = [name for name in sys.modules if name.startswith(('opentelemetry.sdk', "
        "'opentelemetry.exporter'))]\n"
        "assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=settings)
