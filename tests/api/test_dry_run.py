from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from retake.bootstrap.preview import preview_maker
from retake.core.errors import FetchFailed
from retake.queue.data_dir import DataDir
from retake.settings import Settings
from tests.api.live import API, MODEL, PAYLOAD, Live, live
from tests.api.refusals import checked

CLIP = Path(__file__).parents[2] / "demo" / "clip.mp4"


def tried(server: Live, payload: dict[str, Any], query: str = "dry_run=1") -> httpx.Response:
    body = {"model": MODEL, "payload": payload}
    return server.client.post(f"{API}/requests?{query}", json=body)


def uploaded(server: Live, content: bytes) -> str:
    links = server.client.post(f"{API}/upload-url", json={"file_type": "mp4"}).json()
    assert server.anybody.put(links["upload_url"], content=content).status_code == 200
    return links["public_url"]


@pytest.fixture(scope="module")
def looking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A server that looks into videos and asks the real engine."""
    made: list[Any] = []
    folder = tmp_path_factory.mktemp("looking")

    def preview(*asked: Any) -> dict[str, Any]:
        return made[0](*asked)

    with live(folder, preview=preview) as server:
        settings = Settings(data_dir=folder / "data")
        made.append(preview_maker(settings, DataDir(folder / "data"), server.storage))
        yield server
        assert server.client.get(f"{API}/requests").json()["total"] == 0


def test_a_dry_run_tells_what_would_be_done(looking: Live) -> None:
    payload = {**PAYLOAD, "video_uri": uploaded(looking, CLIP.read_bytes()), "odd": 1}
    got = tried(looking, payload)
    assert got.status_code == 200, got.text
    answer = got.json()
    assert (answer["dry_run"], answer["model"], answer["engine"]) == (True, MODEL, "vfx")
    assert (answer["source"]["container"], answer["source"]["size_bytes"]) == (
        "mp4",
        CLIP.stat().st_size,
    )
    assert answer["source"]["video"]["frames"] > 100
    section = answer["section"]
    assert section["start_time"] == pytest.approx(3, abs=0.05)
    assert section["duration"] == pytest.approx(5, abs=0.1)
    assert section["frames"] == pytest.approx(5 * answer["source"]["video"]["frame_rate"], abs=2)
    assert answer["estimate"]["seconds"] > 0
    assert answer["estimate"]["memory_bytes"] > 10**6
    assert any("odd" in warning for warning in answer["warnings"])
    assert "request_id" not in answer


@pytest.mark.parametrize(
    ("changes", "code", "param"),
    [
        ({"duration": 1}, "duration_too_short", "duration"),
        ({"start_time": 500}, "start_past_end", "start_time"),
        ({"options": {"nope": True}}, "unknown_option", "options.nope"),
        ({"video_uri": "http://127.0.0.1/a.mp4"}, "blocked_address", "video_uri"),
        ({"video_uri": "http://localhost/a.mp4"}, "blocked_address", "video_uri"),
    ],
)
def test_what_would_fail_is_told(
    looking: Live, changes: dict[str, Any], code: str, param: str
) -> None:
    payload = {**PAYLOAD, "video_uri": uploaded(looking, CLIP.read_bytes()), **changes}
    error = checked(tried(looking, payload), 400)
    assert (error["code"], error["param"]) == (code, param)


def test_a_file_that_is_no_video_is_told(looking: Live) -> None:
    payload = {**PAYLOAD, "video_uri": uploaded(looking, b"no video at all" * 100)}
    assert checked(tried(looking, payload), 400)["code"] == "not_a_video"
    assert list((looking.data_dir.path / "dry").iterdir()) == []


@pytest.mark.parametrize("value", ["2", "yes", "-1", "%00", "1&dry_run=0"])
def test_neither_yes_nor_no_is_refused(shared: Live, nothing_is_stored: None, value: str) -> None:
    error = checked(tried(shared, PAYLOAD, f"dry_run={value}"), 400)
    assert (error["code"], error["param"]) == ("bad_query", "dry_run")


def test_dry_run_may_be_off(tmp_path: Path) -> None:
    with live(tmp_path, hold_s=0) as off:
        for query in ("dry_run=0", "dry_run=false", "dry_run="):
            assert tried(off, PAYLOAD, query).json()["status"] == "queued"


def test_whoever_hangs_up_is_not_looked_for_any_more(tmp_path: Path) -> None:
    seen = threading.Event()

    def preview(_request: object, _ref: str, _engine: str, watch: Any) -> dict[str, Any]:
        until = time.monotonic() + 5
        while time.monotonic() < until:
            if watch.cancelled():
                seen.set()
                raise FetchFailed("interrupted", "nobody waits any more")
            time.sleep(0.01)
        return {}

    with live(tmp_path, preview=preview) as server:
        with pytest.raises(httpx.ReadTimeout):
            server.client.post(
                f"{API}/requests?dry_run=1", json={"model": MODEL, "payload": PAYLOAD}, timeout=0.2
            )
        assert seen.wait(3)


def test_only_so_many_wait(tmp_path: Path) -> None:
    gate = threading.Event()

    def preview(*_: object) -> dict[str, Any]:
        gate.wait(10)
        return {}

    with live(tmp_path, preview=preview) as server:
        answers = [server.in_background(lambda: tried(server, PAYLOAD)) for _ in range(24)]
        until = time.monotonic() + 8
        while server.parts.previews.waiting < 16 and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(0.5)
        gate.set()
        statuses = [answer().status_code for answer in answers]
        assert sorted(statuses) == [200] * 18 + [429] * 6
