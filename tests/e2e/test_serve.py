"""`retake serve` as a user runs it: a real process, the real engine, uploads, kills."""

import shutil
import subprocess
import sys
import time

import av
import httpx
import pytest

from tests.e2e.server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("serve") / "data").start()
    yield server
    assert server.stop() == 0


def payload(uri, **changed):
    return {
        "model": "ltx-2-pro-retake",
        "payload": {"video_uri": uri, "start_time": 1, "duration": 2, "prompt": "rain"} | changed,
    }


@pytest.fixture(scope="module")
def finished(server, clip):
    """A request that ended well, as its submit answered."""
    with server.client() as client:
        return client.post("/requests", json=payload(server.upload(clip))).json()


def test_a_submit_answers_with_the_video(server, finished):
    assert finished["status"] == "success", finished
    assert finished["engine"] == "vfx"
    url = finished["outcome"]["media_urls"][0]["url"]
    video = httpx.get(url, trust_env=False)
    assert video.headers["content-type"] == "video/mp4"
    part = httpx.get(url, headers={"Range": "bytes=4-7"}, trust_env=False)
    assert (part.status_code, part.content) == (206, b"ftyp")
    thumbnail = httpx.get(finished["outcome"]["thumbnail_image_url"], trust_env=False)
    assert thumbnail.content[:3] == b"\xff\xd8\xff"


def test_the_video_that_is_answered_plays(finished, tmp_path):
    url = finished["outcome"]["media_urls"][0]["url"]
    (tmp_path / "out.mp4").write_bytes(httpx.get(url, trust_env=False).content)
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == 96


def test_a_finished_request_leaves_no_work_behind(server, finished):
    until = time.monotonic() + 10
    while any((server.data_dir / "work").iterdir()) and time.monotonic() < until:
        time.sleep(0.1)
    assert list((server.data_dir / "work").iterdir()) == []


def test_the_calls_printed_at_the_first_start_work_when_pasted(server):
    if shutil.which("curl") is None or shutil.which("bash") is None:
        pytest.skip("curl and bash are needed to paste the printed calls")
    calls = server.said.partition("    RETAKE_KEY=")
    script = "set -e\n" + calls[1] + calls[2].replace('"duration": 5', '"duration": 2')
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    assert '"status":"success"' in done.stdout.replace(" ", "")
    assert '"model_ids"' not in done.stdout
    assert done.stdout.count("ltx-2-pro-retake") >= 4


@pytest.mark.parametrize(
    ("changed", "param"),
    [({"start_time": 30}, "start_time"), ({"start_time": 3}, "start_time")],
)
def test_a_section_that_does_not_fit_an_upload_is_told_at_submit(server, clip, changed, param):
    with server.client() as client:
        answer = client.post("/requests", json=payload(server.upload(clip), **changed))
    assert answer.status_code == 400
    assert answer.json()["param"] == param
    assert isinstance(answer.json()["error"], str)


def test_another_key_sees_nothing_of_it(server, finished):
    keys = ["keys", "create", "--data-dir", str(server.data_dir)]
    made = subprocess.run(
        [sys.executable, "-m", "retake.cli.main", *keys],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    with server.client(made.stdout.strip()) as other:
        assert other.get(f"/requests/{finished['request_id']}").status_code == 404
        assert other.get("/requests").json()["total"] == 0


def test_a_request_survives_kill_9_of_the_server_and_of_the_child(clip, tmp_path):
    server = Server(tmp_path / "data").start()
    uri = server.upload(clip)
    with server.client() as client:
        ids = [
            client.post(
                "/requests",
                json=payload(uri, prompt=prompt, seed=1),
                headers={"Prefer": "respond-async"},
            ).json()["request_id"]
            for prompt in ("rain", "fog")
        ]
    time.sleep(1)
    server.kill()
    server.start()
    with server.client() as client:
        while client.get(f"/requests/{ids[0]}").json()["status"] == "queued":
            time.sleep(0.05)
    for child in server.children():
        subprocess.run(["kill", "-9", str(child)], check=True)
    records = [server.ended(request_id) for request_id in ids]
    assert [record["status"] for record in records] == ["success", "success"], records
    with server.client() as client:
        assert client.get("/requests").json()["total"] == 2
    assert server.stop() == 0
