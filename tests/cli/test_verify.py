"""`retake verify` as a person and as a script run it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.media.takes import Edit, edit


def verify(*args: object, width: int = 100) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "retake.cli.main", "verify", *map(str, args)],
        capture_output=True, text=True, timeout=120, check=False,
        env={"COLUMNS": str(width), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def edited(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Edit:
    return edit(clip, tmp_path_factory.mktemp("edited"), 30, 66)


@pytest.fixture(scope="module")
def told(clip: Path, edited: Edit) -> dict[str, Any]:
    """What an edit's comparison tells programs."""
    return json.loads(verify(clip, edited.out, "--json").stdout)


def test_the_same_file_loses_nothing(clip: Path, tmp_path: Path) -> None:
    copy = shutil.copy(clip, tmp_path / "copy.mp4")
    done = verify(clip, copy)
    assert done.returncode == 0, done.stderr
    assert "the same, byte for byte" in done.stdout
    assert "96 pictures" in done.stdout


def test_an_edit_is_told_drawn_and_counted(clip: Path, edited: Edit, tmp_path: Path) -> None:
    drawn = tmp_path / "proof.png"
    done = verify(clip, edited.out, "--map", drawn)
    assert done.returncode == 6, done.stderr
    assert "Pictures and sound changed from 1.2" in done.stdout
    assert "36 pictures" in done.stdout
    assert "SHA-256" in done.stdout
    assert str(drawn) in done.stdout.replace("\n", "")
    with Image.open(drawn) as picture:
        assert picture.width == 2000


def test_programs_are_told_as_json(told: dict[str, Any], edited: Edit) -> None:
    assert (told["untouched"], told["alike"], told["same_file"]) == (False, True, False)
    assert (told["section"]["first_frame"], told["section"]["last_frame"]) == (30, 65)
    assert (told["section"]["start_s"], told["section"]["end_s"]) == (1.25, 2.75)
    pictures = told["streams"][0]
    assert pictures["inside"]["changed"] == 36
    assert sum(run["count"] for run in pictures["runs"]) == 96
    first, last = edited.rendered.touched or (0, 0)
    assert pictures["packets"] == {"source": 96, "output": 96, "same": 96 - last + first}


def test_what_was_encoded_again_is_accepted_on_request(
    clip: Path, edited: Edit, told: dict[str, Any]
) -> None:
    worst = min(
        stream["outside"]["worst_db"]
        for stream in told["streams"]
        if stream["outside"]["worst_db"] is not None
    )
    assert verify(clip, edited.out, "--near", int(worst)).returncode == 0
    assert verify(clip, edited.out, "--near", int(worst) + 2).returncode == 6


def test_a_section_that_is_told_bounds_what_may_change(clip: Path, edited: Edit) -> None:
    tight = verify(clip, edited.out, "--start", "36f", "--duration", "24f", "--near", "20")
    assert tight.returncode == 6
    assert "12 pictures of 72" in " ".join(tight.stdout.split())


def refused(done: subprocess.CompletedProcess[str]) -> tuple[int, str]:
    told: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, told["code"]


def test_files_that_cannot_be_compared_are_told(clip: Path, tmp_path: Path) -> None:
    half, text = tmp_path / "half.mp4", tmp_path / "text.mp4"
    half.write_bytes(clip.read_bytes()[:30000])
    text.write_text("ffconcat version 1.0\nfile clip.mp4\n")
    assert refused(verify(text, clip, "--json")) == (3, "not_a_video")
    assert refused(verify(clip, tmp_path / "none.mp4", "--json")) == (3, "not_found")
    done = verify(clip, half)
    assert done.returncode == 3
    assert done.stderr.startswith("retake: the output: the file is cut off")


def test_maps_that_cannot_be_written_are_refused_before_any_work(
    clip: Path, tmp_path: Path
) -> None:
    taken = tmp_path / "taken.png"
    taken.write_bytes(b"mine")
    for map_, code in (
        (tmp_path / "no" / "a.png", "no_such_folder"),
        (tmp_path / "a.gif", "unknown_picture"),
        (taken, "output_exists"),
    ):
        assert refused(verify(clip, clip, "--json", "--map", map_)) == (2, code)
    assert taken.read_bytes() == b"mine"
    assert refused(verify(clip, clip, "--json", "--start", "1")) == (2, "missing")
    assert refused(verify(clip, clip, "--json", "--start", "x", "--duration", "1"))[1] == "bad_time"
