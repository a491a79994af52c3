"""`retake edit --engine ltx` as a user runs it, with tiny weights."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

RETAKE = [sys.executable, "-m", "retake.cli.main"]


def retake(folder: Path, *args: object) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "RETAKE_LTX_WEIGHTS": str(folder), "OMP_NUM_THREADS": "1"}
    command = [*RETAKE, *map(str, args)]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def edited(
    ltx_folder: Path, clip: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[subprocess.CompletedProcess[str], Path]:
    """The clip with two seconds made anew."""
    folder = tmp_path_factory.mktemp("edited")
    done = retake(
        ltx_folder, "edit", clip, "-o", folder / "out.mp4", "--start", 1, "--duration", "48f",
        "--engine", "ltx", "--prompt", "A grey cat walks across a wooden floor in the evening",
        "--option", "preset=fast", "--option", "num_inference_steps=2",
        "--seed", 3, "--report", folder / "report.json", "--json",
    )  # fmt: skip
    return done, folder


def test_the_file_passes_the_untouched_check(
    edited: tuple[subprocess.CompletedProcess[str], Path], ltx_folder: Path, clip: Path
) -> None:
    done, folder = edited
    assert done.returncode == 0, done.stderr
    report = json.loads((folder / "report.json").read_text())
    assert report["engine"] == "ltx"
    assert report["video"]["action"] == "smart"
    assert report["video"]["packets_copied"] > 0
    assert report["fallback"] is None
    assert all(check["passed"] for check in report["checks"])
    checked = retake(ltx_folder, "verify", clip, folder / "out.mp4", "--json")
    said = json.loads(checked.stdout)
    # AAC has to be encoded again right at the seams: that is all that may differ outside.
    assert said["untouched"] or said["alike"]
    assert said["streams"][0]["outside"]["identical"] == 48


def test_standard_output_is_json_alone(
    edited: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    done, _ = edited
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    steps = [line for line in lines if line.get("stage") == "generate"]
    assert len({line["done"] for line in steps}) >= 3
    assert "Loading weights" not in done.stderr


def test_a_wrong_option_is_told_with_what_is_accepted(ltx_folder: Path, clip: Path) -> None:
    done = retake(
        ltx_folder, "edit", clip, "-o", clip.parent / "never.mp4", "--duration", "2", "--engine",
        "ltx", "--option", "num_inference_steps=0", "--json",
    )  # fmt: skip
    assert done.returncode == 2
    said = json.loads(done.stdout.splitlines()[-1])
    assert "from 1 to 100" in json.dumps(said)
