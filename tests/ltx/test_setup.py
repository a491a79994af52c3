"""Which torch is installed where, and that the locks belong together."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ROOT / "requirements"


def pins(name: str) -> dict[str, set[str]]:
    """Return the versions that a lock holds, by package."""
    found: dict[str, set[str]] = {}
    for package, version in re.findall(r"^([\w.-]+)==([^\s;]+)", (LOCKS / name).read_text(), re.M):
        found.setdefault(package, set()).add(version)
    return found


def setup():
    spec = importlib.util.spec_from_file_location("setup_ltx", ROOT / "tools/setup_ltx.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("installed", "cuda", "wanted"),
    [
        (None, False, ["torch-cpu", "ltx-cpu"]),
        (None, True, ["ltx"]),
        ("2.13.0+cpu", False, ["ltx-cpu"]),
        ("2.13.0+cpu", True, ["torch", "ltx"]),
        ("2.13.0", False, ["ltx-cpu"]),
        ("2.13.0", True, ["ltx"]),
        ("2.12.1+cpu", False, ["torch-cpu", "ltx-cpu"]),
        ("2.12.1", True, ["ltx"]),
    ],
)
def test_a_build_for_cuda_is_kept_and_one_without_gives_way(
    installed: str | None, cuda: bool, wanted: list[str]
):
    steps = setup().steps(installed, "2.13.0", cuda=cuda)
    assert [step[-1].removesuffix(".txt") for step in steps] == wanted
    assert all("--require-hashes" in step for step in steps if step[0] == "install")


def test_the_locks_hold_the_same_versions_and_only_one_of_them_nvidias_packages():
    whole, without, run = pins("ltx.txt"), pins("ltx-cpu.txt"), pins("run.txt")
    torch = {version.partition("+")[0] for version in pins("torch-cpu.txt")["torch"]}
    assert torch == whole["torch"]
    cuda = {name for name in whole if re.match(r"nvidia-|cuda-|triton$", name)}
    assert len(cuda) > 10
    assert without == {name: whole[name] for name in whole.keys() - cuda - {"torch"}}
    assert run.items() <= whole.items()
    assert "torch" not in run


def test_what_the_doctor_asks_for_is_in_the_lock():
    from retake.engines.ltx.driver import LIBRARIES

    assert {name.replace("_", "-") for name in LIBRARIES} <= pins("ltx.txt").keys()
