"""Install the libraries of the ltx engine into this virtual environment, from the locks.

PyPI's torch for Linux is built for CUDA and brings several gigabytes of NVIDIA's packages, which
only a machine with such a card has a use for. So there are two locks: `requirements/ltx.txt` with
them, and `ltx-cpu.txt` with `torch-cpu.txt` (the build without CUDA, from PyTorch's own index or
from a folder that pip knows) for tests and every other machine. docs/decisions/0015 says more.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

LOCKS = Path(__file__).resolve().parent.parent / "requirements"
# PyTorch's index may be out of reach, and pip asks six times unless it is told.
CPU_TORCH = ("install", "--require-hashes", "--no-deps", "--retries=2", "-r", "torch-cpu.txt")
CPU_REST = ("install", "--require-hashes", "--no-deps", "-r", "ltx-cpu.txt")
WITH_CUDA = ("install", "--require-hashes", "-r", "ltx.txt")
DROP_TORCH = ("uninstall", "--yes", "torch")


def steps(installed: str | None, wanted: str, *, cuda: bool) -> list[tuple[str, ...]]:
    """Return what pip has to be told.

    Args:
        installed: The version of torch that is there, with its local part; None without one.
        wanted: The locked version, without a local part.
        cuda: Whether a build for CUDA is wanted.
    """
    right_version = installed is not None and installed.partition("+")[0] == wanted
    without_cuda = installed is not None and installed.endswith("+cpu")
    if right_version and not without_cuda:
        # A build for CUDA serves the tests too, and took long to come.
        return [WITH_CUDA] if cuda else [CPU_REST]
    if cuda:
        # pip takes 2.13.0+cpu for 2.13.0 and would leave it.
        return [DROP_TORCH, WITH_CUDA] if without_cuda else [WITH_CUDA]
    return [CPU_REST] if right_version else [CPU_TORCH, CPU_REST]


def main() -> int:
    """Do the steps; what the CPU build cannot be had for is done with the other."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--cpu", action="store_true", help="the build without CUDA will do")
    cuda = not asked.parse_args().cpu and _has_nvidia_driver()
    for step in steps(_installed(), _locked(), cuda=cuda):
        code = _pip(step)
        if code and step is CPU_TORCH:
            print("torch without CUDA cannot be had here; its CUDA build from PyPI will do (slow)")
            return _pip(WITH_CUDA)
        if code:
            return code
    if not cuda and not asked.parse_args().cpu:
        print("No NVIDIA driver was found: torch is there without CUDA. `retake doctor` says more.")
    return 0


def _has_nvidia_driver() -> bool:
    return shutil.which("nvidia-smi") is not None or Path("/proc/driver/nvidia/version").exists()


def _installed() -> str | None:
    try:
        return version("torch")
    except PackageNotFoundError:
        return None


def _locked() -> str:
    found = re.search(r"^torch==([0-9.]+)", (LOCKS / "ltx.txt").read_text(), re.MULTILINE)
    if found is None:
        raise SystemExit("requirements/ltx.txt does not lock torch")
    return found[1]


def _pip(step: tuple[str, ...]) -> int:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *step]
    return subprocess.run(command, cwd=LOCKS, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
