"""Whoever reads what retake prints may stop reading: the work goes on and nothing odd is said."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from retake.core.request import Limits
from retake.media.probe import probe

RETAKE = [sys.executable, "-m", "retake.cli.main"]


def unread(*args: object, both: bool = False) -> subprocess.CompletedProcess[str]:
    """Run retake with nobody who reads its output, or what it says of its progress."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        return subprocess.run(
            [*RETAKE, *map(str, args)],
            stdout=writing,
            stderr=writing if both else subprocess.PIPE,
            text=True,
            timeout=120,
            check=False,
        )
    finally:
        os.close(writing)


@pytest.mark.parametrize("as_json", [(), ("--json",)])
def test_a_verdict_that_nobody_reads_is_still_the_exit_code(
    clip: Path, silent_clip: Path, as_json: tuple[str, ...]
) -> None:
    same = unread("verify", clip, clip, *as_json)
    assert (same.returncode, same.stderr) == (0, "")
    other = unread("verify", clip, silent_clip, *as_json)
    assert (other.returncode, other.stderr) == (6, "")


@pytest.mark.parametrize("as_json", [(), ("--json",)])
def test_an_edit_that_nobody_listens_to_is_made(
    silent_clip: Path, tmp_path: Path, as_json: tuple[str, ...]
) -> None:
    out = tmp_path / "out.mp4"
    told = ("edit", silent_clip, "-o", out, "--start", "1", "--duration", "2", "--prompt", "fog")
    done = unread(*told, *as_json, both=True)
    assert done.returncode == 0
    assert len(probe(out, Limits()).video.pts) == 96


def test_an_error_that_nobody_reads_is_still_the_exit_code(tmp_path: Path) -> None:
    assert unread("verify", tmp_path / "no.mp4", tmp_path / "no.mp4", both=True).returncode == 3


@pytest.mark.parametrize("asked", [("--help",), ("--version",), ("doctor",)])
def test_help_may_be_left_unread(asked: tuple[str, ...]) -> None:
    done = unread(*asked)
    assert (done.returncode, done.stderr) == (0, "")
