"""The process that looks at a stranger's file can take nothing, keep nothing and outlast nobody."""

from __future__ import annotations

import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import pytest

from retake.core.errors import BadSource
from retake.core.request import Limits
from retake.media.probe import probe
from retake.media.sandbox import pack, probe_safely, unpack
from tests.clips import make_clip

CONFINED = "from retake.media.sandbox import confine; confine({cpu}); "


def confined(code: str, cpu: int = 5) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", CONFINED.format(cpu=cpu) + code]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_everything_that_a_probe_finds_survives_the_way_back(clip: Path) -> None:
    source = probe(clip, Limits())
    assert unpack(pack(source)) == source
    assert unpack(pack(Limits())) == Limits()


def test_an_unknown_type_is_not_built() -> None:
    with pytest.raises(KeyError):
        unpack({"type": "Path", "value": "/"})


def test_a_child_that_takes_too_long_is_given_up(tmp_path: Path, clip: Path) -> None:
    began = time.monotonic()
    with pytest.raises(BadSource) as told:
        probe_safely(clip, Limits(), timeout_s=0.01)
    assert told.value.code == "damaged"
    assert time.monotonic() - began < 2


def test_a_child_cannot_write_files(tmp_path: Path) -> None:
    target = tmp_path / "x"
    done = confined(f"from pathlib import Path; Path({str(target)!r}).write_text('x' * 10)")
    assert done.returncode != 0
    assert not target.exists() or target.stat().st_size == 0


def test_a_child_cannot_take_all_memory() -> None:
    done = confined("bytearray(8 * 1024**3)")
    assert "MemoryError" in done.stderr


def test_a_child_cannot_compute_for_ever() -> None:
    done = confined("\nwhile True: pass", cpu=1)
    assert done.returncode < 0


def test_a_child_does_not_see_secrets(
    tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A module that Python loads at its start tells what the child sees.
    told = tmp_path / "environment"
    (tmp_path / "sitecustomize.py").write_text(
        f"import os; open({str(told)!r}, 'w').write(str(sorted(os.environ)))"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("RETAKE_SECRET", "x")
    probe_safely(clip, Limits())
    assert "PATH" in told.read_text()
    assert "RETAKE_SECRET" not in told.read_text()


def test_a_large_picture_is_probed_within_the_limits(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", size=(3840, 2160), seconds=1, fps=Fraction(2))
    assert probe_safely(path, Limits()).video.width == 3840
