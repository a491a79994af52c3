"""Takes and sections as a client of the API sees them; the test plays the engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.live import API, PAYLOAD, REPORT, Live, live


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live(tmp_path_factory.mktemp("takes")) as running:
        yield running


def stored(server: Live, name: str) -> str:
    with server.storage.writing(name) as stream:
        stream.write(name.encode() * 10)
    return name


def ended(server: Live, payload: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Submit a request of three takes, of which the second one fails; return its record."""
    request_id = server.submit_async(payload)
    server.take()
    folder = f"outputs/{request_id}"
    first = {"video": stored(server, f"{folder}/video.mp4")}
    third = {"video": stored(server, f"{folder}/video-3.mp4")}
    error = {
        "kind": "engine_failed",
        "code": "x",
        "message": "no",
        "param": None,
        "retryable": True,
    }
    takes = [
        {"take": 1, "seed": 7, "status": "success", "files": first},
        {"take": 2, "seed": 8, "status": "failed", "error": error, "files": {}},
        {"take": 3, "seed": 9, "status": "success", "files": third},
    ]
    files = first | {"takes": stored(server, f"{folder}/takes.jpg")}
    outcome = {
        "files": files,
        "report": REPORT,
        "notes": [],
        "takes": takes,
        "warnings": ["take 2"],
        **more,
    }
    server.end(request_id, {"status": "success", "outcome": outcome})
    return server.client.get(f"{API}/requests/{request_id}").json()


def test_every_video_that_was_made_is_listed(server: Live) -> None:
    payload = {**PAYLOAD, "takes": 3, "seed": 7}
    record = ended(server, payload)
    assert record["payload"] == payload
    assert record["seed"] == 7
    assert "take 2" in record["warnings"]
    outcome = record["outcome"]
    videos = outcome["media_urls"]
    assert [(one["id"], one["take"], one["seed"]) for one in videos] == [("0", 1, 7), ("1", 3, 9)]
    assert outcome["video_url"] == videos[0]["url"]
    for number, name in ((0, "video.mp4"), (1, "video-3.mp4")):
        got = server.client.get(videos[number]["url"])
        assert got.status_code == 200
        assert got.text.endswith(name)
    assert server.client.get(outcome["takes_sheet_url"]).status_code == 200
    told = outcome["takes"]
    assert [one["status"] for one in told] == ["success", "failed", "success"]
    assert told[2]["url"] == videos[1]["url"]
    assert told[1]["error"]["message"] == "no"
    assert not any("files" in one for one in told)


def test_the_first_seed_listed_is_the_request_s(server: Live) -> None:
    record = server.submit({**PAYLOAD, "seeds": [5, 3]}, Prefer="respond-async").json()
    assert record["seed"] == 5
    server.client.delete(f"{API}/requests/{record['request_id']}")


def test_a_list_of_sections_is_checked_when_it_is_sent(server: Live) -> None:
    own = {"video_uri": PAYLOAD["video_uri"], "sections": [{"start_time": 1, "duration": 1}]}
    got = server.submit(own)
    assert got.status_code == 400
    assert (got.json()["code"], got.json()["param"]) == (
        "duration_too_short",
        "sections[0].duration",
    )
    sections = [{"start_time": 1, "duration": 2}, {"start_time": 3, "duration": 2}]
    accepted = server.submit({**own, "sections": sections}, Prefer="respond-async")
    assert accepted.status_code == 202
    assert accepted.json()["payload"]["sections"] == sections
    assert accepted.json()["warnings"] == []


def test_a_model_tells_of_takes_and_sections(server: Live) -> None:
    model = server.client.get(f"{API}/models/ltx-2-pro-retake").json()
    known = {one["name"]: one for one in model["parameters"]}
    assert known["takes"]["max_value"] == 8
    assert {"seeds", "sections"} <= known.keys()
    assert not known["sections"]["required"]


def test_the_one_that_was_picked_stands_first(server: Live) -> None:
    payload = {**PAYLOAD, "takes": 3, "seed": 7, "pick": "best"}
    picked = {"take": 3, "by": "score", "why": "take 3 meets the source best"}
    outcome = ended(server, payload, picked=picked)["outcome"]
    assert [one["take"] for one in outcome["media_urls"]] == [3, 1]
    assert [take["take"] for take in outcome["takes"]] == [1, 2, 3]
    assert outcome["picked"] == picked
    assert ended(server, {**PAYLOAD, "takes": 3, "seed": 7})["outcome"]["picked"] is None


def test_a_pick_that_is_none_is_refused_at_submit(server: Live) -> None:
    body = {"model": "ltx-2-pro-retake", "payload": {**PAYLOAD, "pick": "nicest"}}
    answer = server.client.post(f"{API}/requests", json=body)
    assert answer.status_code == 400
    assert answer.json()["code"] == "unknown_pick"
    assert answer.json()["param"] == "pick"
