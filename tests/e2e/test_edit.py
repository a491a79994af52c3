"""`retake edit` as a user runs it: a real process, a real clip, the vfx engine."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import av
import pytest

RETAKE = [sys.executable, "-m", "retake.cli.main"]


def retake(*args, timeout=240):
    return subprocess.run(
        [*RETAKE, *map(str, args)], capture_output=True, text=True, timeout=timeout, check=False
    )


def packets(path, kind):
    with av.open(str(path)) as container:
        stream = getattr(container.streams, kind)[0]
        return [bytes(packet) for packet in container.demux(stream) if packet.size]


def frame_count(path):
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


@pytest.fixture(scope="module")
def edited(clip, tmp_path_factory):
    """The clip with two seconds of rain, and everything that an edit can write."""
    folder = tmp_path_factory.mktemp("edited")
    done = retake(
        "edit", clip, "-o", folder / "out.mp4", "--start", "1", "--duration", "48f",
        "--prompt", "heavy rain", "--seed", "3",
        "--sheet", folder / "sheet.jpg", "--report", folder / "report.json",
    )  # fmt: skip
    return done, folder


def test_an_edit_writes_the_video_the_sheet_and_the_report(edited):
    done, folder = edited
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["out.mp4", "report.json", "sheet.jpg"]
    assert str(folder / "out.mp4") in done.stdout.replace("\n", "")


def test_the_new_video_has_the_source_s_frames_and_its_packets_outside(edited, clip):
    _, folder = edited
    assert frame_count(folder / "out.mp4") == frame_count(clip) == 96
    kept = set(packets(clip, "video")) & set(packets(folder / "out.mp4", "video"))
    report = json.loads((folder / "report.json").read_text())
    assert report["video"]["action"] == "smart"
    assert report["video"]["packets_copied"] == len(kept) > 0


def test_the_report_says_what_was_done(edited):
    _, folder = edited
    report = json.loads((folder / "report.json").read_text())
    assert (report["section"]["first_frame"], report["section"]["last_frame"]) == (24, 71)
    assert (report["section"]["start"], report["section"]["end"]) == ("1", "3")
    assert report["engine"] == "vfx"
    assert report["seed"] == 3
    assert report["checks"]
    assert all(check["passed"] for check in report["checks"])
    assert report["seams"]["psnr_in_db"] > 30
    assert report["seams"]["psnr_out_db"] > 30


def test_replace_audio_keeps_every_video_packet(clip, tmp_path):
    out = tmp_path / "out.mp4"
    done = retake(
        "edit", clip, "-o", out, "--start", "1", "--duration", "2",
        "--prompt", "rain", "--mode", "replace_audio",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert packets(out, "video") == packets(clip, "video")
    assert packets(out, "audio") != packets(clip, "audio")


def test_replace_video_keeps_every_audio_packet(clip, tmp_path):
    out = tmp_path / "out.mp4"
    done = retake(
        "edit", clip, "-o", out, "--start", "1", "--duration", "2",
        "--prompt", "night", "--mode", "replace_video",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert packets(out, "audio") == packets(clip, "audio")
    assert packets(out, "video") != packets(clip, "video")


def test_a_clip_without_sound_gets_a_new_track_and_the_report_says_so(silent_clip, tmp_path):
    out = tmp_path / "out.mp4"
    done = retake(
        "edit", silent_clip, "-o", out, "--start", "1", "--duration", "2", "--prompt", "rain",
        "--mode", "replace_audio", "--report", tmp_path / "report.json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert packets(out, "audio")
    assert json.loads((tmp_path / "report.json").read_text())["audio"]["action"] == "created"


def test_json_speaks_one_object_a_line(clip, tmp_path):
    done = retake(
        "edit", clip, "-o", tmp_path / "out.mp4", "--start", "1", "--duration", "2",
        "--prompt", "fog", "--mode", "replace_audio", "--json",
    )  # fmt: skip
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["event"] for event in events][-1] == "done"
    percents = [event["percent"] for event in events if event["event"] == "progress"]
    assert percents == sorted(percents)
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("args", "code", "word"),
    [
        (["--start", "-1"], 2, "start_time"),
        (["--start", "nan"], 2, "start_time"),
        (["--start", "soon"], 2, "start_time"),
        (["--start", "9"], 2, "ends at 4.000 s"),
        (["--start", "3"], 2, "start_time up to 2.000 s"),
        (["--duration", "1.9"], 2, "duration"),
        (["--duration", "inf"], 2, "duration"),
        (["--mode", "replace_all"], 2, "replace_audio_and_video"),
        (["--engine", "warp"], 2, "accepted is vfx"),
        (["--prompt", "x" * 5001], 2, "5000"),
        (["--seed", "-4"], 2, "seed"),
    ],
)
def test_bad_usage_is_told_and_nothing_is_written(clip, tmp_path, args, code, word):
    done = retake("edit", clip, "-o", tmp_path / "out.mp4", *args)
    assert done.returncode == code
    assert word in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_bad_sources_have_an_exit_code_of_their_own(tmp_path):
    text = tmp_path / "notes.mp4"
    text.write_text("not a video at all")
    for source in (tmp_path / "missing.mp4", tmp_path, text):
        done = retake("edit", source, "-o", tmp_path / "out.mp4")
        assert done.returncode == 3, done.stderr
        assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["notes.mp4"]


def test_ctrl_c_stops_within_seconds_and_leaves_nothing(clip, tmp_path):
    process = subprocess.Popen(
        [*RETAKE, "edit", str(clip), "-o", str(tmp_path / "out.mp4"), "--start", "1",
         "--duration", "2", "--prompt", "explosion", "--json"],
        stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    for line in process.stdout:
        if json.loads(line).get("stage") == "generate":
            break
    began = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    process.stdout.read()
    assert process.wait(timeout=10) == 130
    assert time.monotonic() - began < 5
    process.stdout.close()
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def site(clip):
    """The clip behind HTTP on a loopback address."""
    handler = partial(QuietHandler, directory=str(clip.parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format, *args):
        pass


def test_a_url_is_fetched_where_private_addresses_are_allowed(site, clip, tmp_path, monkeypatch):
    out = tmp_path / "out.mp4"
    args = ("edit", f"{site}/{clip.name}", "-o", out, "--start", "1", "--duration", "2")
    refused = retake(*args, "--prompt", "rain", "--mode", "replace_audio")
    assert refused.returncode == 3
    assert "RETAKE_FETCH_ALLOW_PRIVATE" in refused.stderr
    monkeypatch.setenv("RETAKE_FETCH_ALLOW_PRIVATE", "1")
    done = retake(*args, "--prompt", "rain", "--mode", "replace_audio")
    assert done.returncode == 0, done.stderr
    assert packets(out, "video") == packets(clip, "video")
    missing = retake("edit", f"{site}/none.mp4", "-o", tmp_path / "no.mp4")
    assert missing.returncode == 3
    assert "404" in missing.stderr


def test_another_ending_asks_for_another_container(clip, tmp_path):
    done = retake(
        "edit", clip, "-o", tmp_path / "out.mkv", "--start", "1", "--duration", "2", "--seed", "3",
        "--mode", "replace_audio", "--prompt", "rain", "--report", tmp_path / "report.json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with av.open(str(tmp_path / "out.mkv")) as container:
        assert container.format.name.startswith("matroska")
    assert packets(tmp_path / "out.mkv", "video") == packets(clip, "video")
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["video"]["action"], report["audio"]["action"]) == ("copied", "smart")
    assert report["request"]["container"] == "mkv"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["-o", "out.mp4", "--audio-track", "2"], "1 (no language, aac)"),
        (["-o", "out.webm", "--video-codec", "h264"], "accepted in it is one of av1, vp9, vp8"),
        (["-o", "out.avi"], "AVI is only written for a source that is one"),
        (["-o", "out.mp4", "--container", "divx"], "mkv"),
        (["-o", "out.mov", "--container", "mkv"], "accepted is .mkv"),
    ],
)
def test_a_form_that_cannot_be_is_refused_with_what_can(clip, tmp_path, options, says):
    target, *rest = options[1:]
    done = retake("edit", clip, "-o", tmp_path / target, *rest, "--prompt", "rain", timeout=60)
    assert done.returncode == 2, done.stderr
    assert says in " ".join(done.stderr.split())
    assert list(tmp_path.iterdir()) == []
