"""`retake edit` with several takes and sections: a real process, the vfx engine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.takes.walking import changed


def test_two_takes_of_two_sections_are_written(clip: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable, "-m", "retake.cli.main", "edit", str(clip), "-o", "out.mp4",
            "--section", "0,2,rain", "--section", '{"start_time": "48f", "duration": 2}',
            "--prompt", "thunder", "--mode", "replace_audio", "--takes", "2", "--seed", "3",
            "--sheet", "sheet.jpg", "--report", "report.json", "--json",
        ],
        capture_output=True, text=True, timeout=240, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    names = [f"{name}.{n}.{end}" for name, end in
             (("out", "mp4"), ("report", "json"), ("sheet", "jpg")) for n in (1, 2)]  # fmt: skip
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*names, "sheet.jpg"])
    told = json.loads(done.stdout.splitlines()[-1])
    assert [take["seed"] for take in told["takes"]] == [3, 4]
    assert told["files"]["takes"] == "sheet.jpg"
    report = json.loads((tmp_path / "report.2.json").read_text())
    assert [one["prompt"] for one in report["sections"]] == ["rain", "thunder"]
    for number in (1, 2):
        assert not changed(clip, tmp_path / f"out.{number}.mp4", "video")
        assert changed(clip, tmp_path / f"out.{number}.mp4", "audio")


def test_the_best_take_lies_under_the_name_that_was_asked_for(clip: Path, tmp_path: Path) -> None:
    command = [
        sys.executable, "-m", "retake.cli.main", "edit", str(clip), "-o", "out.mp4", "--start", "1",
        "--duration", "2", "--prompt", "thunder", "--mode", "replace_audio", "--takes", "2",
        "--pick", "best", "--json",
    ]  # fmt: skip
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=240, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout
    told = json.loads(done.stdout.splitlines()[-1])
    best = told["picked"]["take"]
    assert told["files"]["picked"] == "out.mp4"
    assert told["files"]["video"] == f"out.{best}.mp4"
    assert (tmp_path / "out.mp4").read_bytes() == (tmp_path / f"out.{best}.mp4").read_bytes()
    assert f"take {best} meets the source best" in told["picked"]["why"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.1.mp4", "out.2.mp4", "out.mp4"]
    for path in tmp_path.glob("out.?.mp4"):
        path.unlink()
    again = subprocess.run(
        command, capture_output=True, text=True, timeout=240, check=False, cwd=tmp_path
    )
    assert again.returncode == 2
    assert "'out.mp4' exists; --force replaces it" in again.stdout
