"""Engines of other packages: the documented example, really installed, and packages that break."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from retake.core.errors import BadRequest, EngineFailed
from retake.engines.engine import Engine, EngineInfo
from retake.engines.plugins import GROUP, EnginePlugin, find_plugins, make_plugin

ROOT = Path(__file__).parents[2]


def write_example(folder: Path) -> Path:
    """Write the files that docs/engines.md shows."""
    text = (ROOT / "docs/engines.md").read_text()
    for name, content in re.findall(r"`([\w.]+)`:\n\n```\w+\n(.*?)```", text, re.DOTALL):
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(content)
    return folder


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip has installed the example, and a package that cannot be imported."""
    base = tmp_path_factory.mktemp("plugins")
    example = write_example(base / "retake-negative")
    broken = write_example(base / "broken")
    (broken / "retake_negative.py").unlink()
    (broken / "retake_broken.py").write_text("import a_package_that_is_not_there\n")
    project = (broken / "pyproject.toml").read_text()
    (broken / "pyproject.toml").write_text(project.replace("negative", "broken"))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    own = ["--no-deps", "--no-build-isolation", "--no-index", "--target", str(base / "site")]
    subprocess.run([*pip, *own, str(example), str(broken)], check=True, capture_output=True)
    return base / "site"


def retake(installed: Path, *args: str, **env: str) -> SimpleNamespace:
    """Run the command with the installed packages on its path."""
    done = subprocess.run(
        [sys.executable, "-m", "retake.cli.main", *args],
        env={**os.environ, "PYTHONPATH": str(installed), **env},
        capture_output=True,
        text=True,
        check=False,
    )
    return SimpleNamespace(code=done.returncode, out=done.stdout, err=done.stderr)


def test_the_documented_engine_makes_a_section(installed: Path, clip: Path, tmp_path: Path):
    out, report = tmp_path / "out.mp4", tmp_path / "report.json"
    done = retake(
        installed, "edit", str(clip), "-o", str(out), "--start", "1", "--duration", "2",
        "--engine", "negative", "--option", "volume=0.2", "--report", str(report), "--seed", "1",
    )  # fmt: skip
    assert done.code == 0, done.err
    told = json.loads(report.read_text())
    assert told["engine"] == "negative"
    assert "The section was turned over." in told["notes"]
    assert brightness(out, 2.0) == pytest.approx(255 - brightness(clip, 2.0), abs=6)
    assert brightness(out, 0.5) == brightness(clip, 0.5)


def test_a_broken_package_is_told_of_and_stops_nothing(installed: Path):
    doctor = retake(installed, "doctor")
    assert "Another package brings the engine negative: Negative" in doctor.out
    assert "The engine broken of the package retake-broken cannot be used" in doctor.out
    assert "a_package_that_is_not_there" in doctor.out


def test_an_instance_offers_it_as_a_model(installed: Path):
    code = """
        from retake.bootstrap.parts import engine_info, engine_infos
        print(sorted(engine_infos()), engine_info("negative").display_name)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**os.environ, "PYTHONPATH": str(installed), "RETAKE_ENGINE": "negative"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "['negative', 'vfx'] Negative"
    assert done.stderr.count("the engine broken of the package retake-broken") == 1


def brightness(path: Path, moment: float) -> float:
    import av

    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            if frame.time is not None and frame.time >= moment:
                return float(frame.to_ndarray(format="rgb24").mean())
    raise AssertionError("no such frame")


INFO = EngineInfo("clumsy", "1", "Clumsy", "", "")


class Clumsy:
    """An engine that fails wherever it is asked."""

    def describe(self) -> EngineInfo:
        raise RuntimeError("describe")

    def warm(self) -> None:
        raise RuntimeError("warm")

    def check(self, prompt: str, options: object) -> tuple[str, ...]:
        if prompt == "no":
            raise BadRequest("prompt_too_long", "too long", param="prompt")
        raise RuntimeError("check")

    def estimate(self, shot: object) -> object:
        raise ZeroDivisionError("estimate")

    def make(self, shot: object) -> SimpleNamespace:
        raise MemoryError("make")


PLUGIN = EnginePlugin(INFO, Clumsy)
NOT_A_PLUGIN = "negative"
TAKEN = EnginePlugin(EngineInfo("vfx", "1", "", "", ""), Clumsy)
BAD_ID = EnginePlugin(EngineInfo("Bad Id", "1", "", "", ""), Clumsy)


def unmakeable() -> Engine:
    raise RuntimeError("no model here")


UNMAKEABLE = EnginePlugin(INFO, unmakeable)


def points(*names: str) -> list[EntryPoint]:
    return [EntryPoint(name.lower(), f"{__name__}:{name}", GROUP) for name in names]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("NOT_A_PLUGIN", "names a str"),
        ("TAKEN", "'vfx' is taken"),
        ("BAD_ID", "its id is 'Bad Id'"),
        ("NOT_THERE", "AttributeError"),
    ],
)
def test_what_is_no_engine_is_left_out(name: str, why: str):
    plugins, broken = find_plugins(points("PLUGIN", name))
    assert list(plugins) == ["clumsy"]
    assert why in str(broken[0])
    assert name.lower() in str(broken[0])


def test_of_two_with_one_id_the_first_by_name_counts():
    plugins, broken = find_plugins(points("PLUGIN", "UNMAKEABLE"))
    assert plugins["clumsy"] is PLUGIN
    assert [one.name for one in broken] == ["unmakeable"]


def test_mistakes_of_a_strange_engine_are_its_own(caplog: pytest.LogCaptureFixture):
    engine = make_plugin(PLUGIN)
    assert engine.describe() is INFO
    engine.warm()
    shot = SimpleNamespace()
    for call in (lambda: engine.check("", {}), lambda: engine.estimate(shot)):
        with pytest.raises(EngineFailed, match=r"clumsy.*(check|estimate)") as caught:
            call()
        assert caught.value.code == "engine_broken"
    with pytest.raises(EngineFailed, match="MemoryError: make"):
        engine.make(shot)
    with pytest.raises(BadRequest, match="too long"):
        engine.check("no", {})
    with pytest.raises(EngineFailed, match="no model here"):
        make_plugin(UNMAKEABLE)
    caplog.clear()


def test_a_mistake_while_frames_are_drawn_is_told_too(caplog: pytest.LogCaptureFixture):
    class Halfway(Clumsy):
        def make(self, shot: object) -> SimpleNamespace:
            from retake.engines.engine import Take

            def frames() -> Iterator[np.ndarray]:
                yield np.zeros((2, 2, 3), np.uint8)
                raise KeyError("second frame")

            return Take(frames(), None)

    take = make_plugin(EnginePlugin(INFO, Halfway)).make(SimpleNamespace())
    assert take.frames is not None
    assert next(take.frames).shape == (2, 2, 3)
    with pytest.raises(EngineFailed, match="second frame"):
        next(take.frames)
    caplog.clear()
