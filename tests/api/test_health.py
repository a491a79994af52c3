from __future__ import annotations

from pathlib import Path

from tests.api.live import API, Live, live
from tests.api.refusals import checked


def test_a_server_says_whether_it_works(tmp_path: Path) -> None:
    ready = [False]
    with live(tmp_path, ready=lambda: ready[0]) as server:
        assert server.anybody.get("/healthz").json() == {"status": "ok", "engine": "starting"}
        answer = server.anybody.get("/readyz")
        assert answer.status_code == 503
        assert (answer.json()["code"], answer.json()["retryable"]) == ("engine_starting", True)
        assert answer.headers["retry-after"]
        ready[0] = True
        assert server.anybody.get("/healthz").json() == {"status": "ok", "engine": "ready"}
        assert server.anybody.get("/readyz").json() == {"status": "ready", "engine": "ready"}
        assert server.anybody.head("/readyz").status_code == 200


def test_a_server_of_a_fleet_takes_calls_while_nobody_works_yet(tmp_path: Path) -> None:
    # Workers that were scaled to none come back for requests that wait: who could bring them?
    hears = [True]
    with live(tmp_path, ready=lambda: False, open=lambda: hears[0]) as server:
        answer = server.anybody.get("/readyz")
        assert (answer.status_code, answer.json()["engine"]) == (200, "starting")
        hears[0] = False
        assert server.anybody.get("/readyz").status_code == 503
        assert server.anybody.get("/healthz").status_code == 200


def test_a_stopping_server_is_not_ready(server: Live) -> None:
    server.call(server.requests.release)
    answer = server.anybody.get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "stopping")
    assert server.anybody.get("/healthz").status_code == 200
    refused = server.submit()
    assert (refused.status_code, refused.json()["code"]) == (503, "stopping")
    stream = server.client.get(f"{API}/requests/events")
    assert (stream.status_code, stream.json()["code"]) == (503, "stopping")


def test_health_is_only_looked_at(shared: Live) -> None:
    for path in ("/healthz", "/readyz"):
        assert checked(shared.anybody.post(path), 405)["code"] == "wrong_method"
