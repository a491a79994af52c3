"""retake submit, status, watch, list, cancel, download: as typed, against a real server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from retake.cli.main import app
from tests.api.live import PAYLOAD, Live

URL = PAYLOAD["video_uri"]


@pytest.fixture
def retake(server: Live, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("RETAKE_URL", server.url)
    monkeypatch.setenv("RETAKE_KEY", server.key)

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(each) for each in arguments])

    return run


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"a video" * 100)
    return path


def objects(done: Result) -> list[dict]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_video_is_sent_followed_and_brought_back(retake, engine, video, tmp_path) -> None:
    out = tmp_path / "new.mp4"
    done = retake(
        "submit", video, "-o", out, "--start", "0:01.5", "--duration", 2, "--prompt", "rain"
    )
    assert done.exit_code == 0, done.output
    assert out.read_bytes().startswith(b"video of ")
    assert "uploading" in done.stderr
    assert str(out) in done.stdout
    again = retake("submit", video, "-o", out, "--duration", 2)
    assert again.exit_code == 2
    assert retake("submit", video, "-o", out, "--duration", 2, "--force").exit_code == 0


def test_parameters_arrive_as_they_were_typed(retake, server, video) -> None:
    options = ["--audio-track", 2, "--mode", "replace_audio", "--seed", 5, "--takes", 1]
    options += ["--set", 'options={"loud": true}', "--video-codec", "hevc", "--cancel-after", "5m"]
    done = retake("submit", URL, "--no-wait", "--json", "--start", 3, *options)
    assert done.exit_code == 0, done.output
    [told] = objects(done)
    record = server.client.get(f"/api/v1/ie/requestqueue/apikey/requests/{told['request_id']}")
    payload = record.json()["payload"]
    assert payload == {
        "video_uri": URL, "start_time": 3.0, "duration": 5.0, "mode": "replace_audio", "seed": 5,
        "audio_track": 2, "video_codec": "hevc", "takes": 1, "options": {"loud": True},
    }  # fmt: skip
    assert record.json()["cancel_at"] is not None
    same = [retake("submit", URL, "--no-wait", "--json", "--idempotency-key", "k") for _ in "12"]
    assert objects(same[0]) == objects(same[1])


def test_a_priority_is_sent_and_one_that_is_none_is_refused(retake) -> None:
    assert retake("submit", URL, "--no-wait", "--priority", "high").exit_code == 0
    refused = retake("submit", URL, "--no-wait", "--priority", "urgent")
    assert refused.exit_code == 2
    assert "low, normal or high" in refused.output


def test_several_takes_of_several_sections_are_asked_for_and_told_of(retake, server) -> None:
    sections = ["--section", "0.5,2", "--section", '0:05,2.5,heavy rain, "quiet"']
    hook = ["--webhook", "https://example.com/hook"]
    done = retake("submit", URL, "--no-wait", "--json", "--seeds", "7,8", *sections, *hook)
    assert done.exit_code == 0, done.output
    [told] = objects(done)
    record = server.client.get(f"/api/v1/ie/requestqueue/apikey/requests/{told['request_id']}")
    assert record.json()["webhook"]["url"] == "https://example.com/hook"
    assert record.json()["payload"] == {
        "video_uri": URL, "mode": "replace_audio_and_video", "seeds": [7, 8],
        "sections": [
            {"start_time": 0.5, "duration": 2.0},
            {"start_time": 5.0, "duration": 2.5, "prompt": 'heavy rain, "quiet"'},
        ],
    }  # fmt: skip
    counted = retake("submit", URL, "--no-wait", "--section", "12f,2")
    assert counted.exit_code == 2
    assert "sections[0].start_time" in counted.stderr


def test_every_take_is_saved_under_its_number(retake, server, engine, tmp_path) -> None:
    def several(request_id: str) -> None:
        names = [f"outputs/{request_id}/{name}.mp4" for name in ("video", "second")]
        for name in names:
            with server.storage.writing(name) as stream:
                stream.write(name.encode())
        takes = [
            {"take": at + 1, "seed": at, "files": {"video": name}} for at, name in enumerate(names)
        ]
        takes.append({"take": 3, "seed": 2, "files": {}, "error": "crashed"})
        outcome = {"files": {"video": names[0]}, "takes": takes, "report": {}}
        server.end(request_id, {"status": "success", "outcome": outcome})

    engine.work = several
    out = tmp_path / "new.mp4"
    done = retake("submit", URL, "--takes", 3, "-o", out)
    assert done.exit_code == 0, done.output
    saved = {path.name: path.read_bytes()[-10:] for path in tmp_path.glob("new*")}
    assert saved == {"new.1.mp4": b"/video.mp4", "new.2.mp4": b"second.mp4"}
    assert str(tmp_path / "new.2.mp4") in done.stdout


def test_requests_are_looked_at_followed_and_cancelled(retake, server, tmp_path) -> None:
    first, second = server.submit_async(), server.submit_async()
    assert first in retake("status", first).stdout
    assert "queued" in retake("list").stdout
    listed = objects(retake("list", "--json", "--limit", 1))
    assert [record["request_id"] for record in listed] == [second]
    assert objects(retake("status", first, "--json"))[0]["status"] == "queued"
    assert objects(retake("cancel", second, "--json"))[0]["status"] == "cancelled"
    watched = retake("watch", second, "--json")
    assert watched.exit_code == 130
    assert objects(watched)[-1]["code"] == "cancelled"
    server.finish(server.take())
    watched = retake("watch", first, "--json", "-o", tmp_path / "out.mp4")
    assert watched.exit_code == 0, watched.output
    *told, record, saved = objects(watched)
    assert {each["event"] for each in told} == {"progress"}
    assert (record["status"], saved["event"]) == ("success", "saved")
    done = retake("download", first, "-o", tmp_path / "thumbnail.jpg", "--role", "thumbnail")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "thumbnail.jpg").read_bytes().startswith(b"thumbnail")
    assert retake("status", first).stdout.count("Heard") == 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["status", "nope"], 2, "does not exist"),
        (["submit", "gone.mp4"], 3, "does not exist"),
        (["submit", URL, "--duration", "1"], 2, "at least 2 s"),
        (["submit", URL, "--start", "60f"], 2, "seconds"),
        (["submit", URL, "--mode", "x"], 2, "mode"),
        (["submit", URL, "--no-wait", "-o", "x.mp4"], 2, "--no-wait"),
        (["submit", URL, "--set", "x"], 2, "NAME=VALUE"),
        (["submit", URL, "--set", "seed=1"], 2, "option"),
        (["submit", "http://127.0.0.1/x.mp4"], 3, "not a public address"),
        (["list", "--status", "odd"], 2, "odd"),
        (["list", "--key", "rt_wrong"], 2, "revoked"),
        (["list", "--key", "with space"], 2, "key"),
        (["list", "--url", "nowhere"], 2, "http://HOST:PORT"),
        (["list", "--url", "http://127.0.0.1:1"], 7, "cannot be reached"),
    ],
)
def test_what_is_wrong_is_said_with_its_exit_code(
    retake, arguments, code, said, monkeypatch
) -> None:
    monkeypatch.setattr("retake.client.asking._FIRST_S", 0.01)
    done = retake(*arguments)
    assert (done.exit_code, said in done.stderr) == (code, True), done.output
    done = retake(*arguments, "--json")
    assert done.exit_code == code
    assert said in objects(done)[-1]["error"]
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"code": "too_long", "param": "video_uri"}, 3),
        ({"code": "not_understood", "param": "prompt"}, 2),
        ({"code": "crashed_engine", "param": None}, 4),
        ({"code": "verification_failed", "param": None}, 5),
    ],
)
def test_a_failure_there_is_a_failure_here(retake, engine, server, error, code) -> None:
    told = {"kind": "error", "message": "it did not work", "retryable": False} | error
    engine.work = lambda name: server.end(name, {"status": "failed", "error": told})
    done = retake("submit", URL)
    assert done.exit_code == code
    assert "it did not work" in done.stderr


@pytest.mark.parametrize("stop_it", [False, True])
def test_ctrl_c_says_how_to_go_on(server, stop_it) -> None:
    command = [sys.executable, "-m", "retake.cli.main", "submit", URL]
    process = subprocess.Popen(
        [*command, "--cancel-on-interrupt"] if stop_it else command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"RETAKE_URL": server.url, "RETAKE_KEY": server.key},
    )
    assert process.stdout
    request_id = process.stdout.readline().split()[-1]
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130, out + err
    assert request_id in err
    assert "Traceback" not in err
    status = server.client.get(f"/api/v1/ie/requestqueue/apikey/requests/{request_id}").json()
    assert status["status"] == ("cancelled" if stop_it else "queued")
