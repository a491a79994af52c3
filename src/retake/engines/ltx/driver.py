"""What can be known of GPUs, their driver and the installed torch without loading torch.

Loading it takes seconds and hundreds of megabytes, and the server's own process never does.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

LEAST_DRIVER = {13: 580, 12: 525, 11: 450}
"""Major version of the Linux driver that each major version of CUDA needs at least (NVIDIA's
"CUDA Toolkit Release Notes", minor version compatibility)."""

LIBRARIES = ("torch", "diffusers", "transformers", "accelerate", "huggingface_hub", "safetensors")
_QUERY = ("--query-gpu=driver_version,memory.total,name", "--format=csv,noheader,nounits")


@dataclass(frozen=True)
class SeenCard:
    """A GPU as the driver tells of it."""

    name: str
    memory_bytes: int


@dataclass(frozen=True)
class Driver:
    """What `nvidia-smi` told.

    Attributes:
        version: Such as ``580.95.05``; empty where it told none.
        cards: The GPUs that this process may use.
        fault: What it said instead; None where it answered.
    """

    version: str
    cards: tuple[SeenCard, ...]
    fault: str | None = None


@dataclass(frozen=True)
class Torch:
    """The installed torch; `cuda` is the version it was built for, None for a build without."""

    version: str
    cuda: str | None


def read_driver(
    command: str = "nvidia-smi", environ: Mapping[str, str] = os.environ
) -> Driver | None:
    """Ask the driver for its cards; None where there is no driver at all."""
    try:
        asked = subprocess.run(  # noqa: S603 - our own words
            [command, *_QUERY], capture_output=True, text=True, timeout=20, check=False
        )
    except FileNotFoundError:
        return None
    except (OSError, subprocess.TimeoutExpired) as error:
        return Driver("", (), f"nvidia-smi does not answer ({type(error).__name__})")
    if asked.returncode:
        said = (asked.stdout.strip() or asked.stderr.strip()).splitlines()
        return Driver("", (), (said or [f"nvidia-smi ended with {asked.returncode}"])[0][:200])
    rows = [row.split(", ", 2) for row in asked.stdout.splitlines() if row.count(", ") >= 2]
    cards = [SeenCard(name.strip(), _mebibytes(memory)) for _, memory, name in rows]
    return Driver(rows[0][0] if rows else "", tuple(_visible(cards, environ)))


def missing_libraries() -> tuple[str, ...]:
    """Return which of the extra's libraries are not installed."""
    return tuple(name for name in LIBRARIES if find_spec(name) is None)


def read_torch() -> Torch | None:
    """Return what torch is installed, from its own files; None where none is."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    try:
        text = (Path(spec.origin).parent / "version.py").read_text("utf-8")
    except OSError:
        return None
    told = dict(re.findall(r"^(__version__|cuda)\b[^=]*= *'([^']+)'", text, re.MULTILINE))
    return Torch(told.get("__version__", ""), told.get("cuda"))


def too_old_for(driver: Driver, torch: Torch) -> int | None:
    """Return the driver's major version that torch needs where this one is older, else None."""
    if torch.cuda is None or not driver.version:
        return None
    least = LEAST_DRIVER.get(int(torch.cuda.split(".")[0]), 0)
    return least if int(driver.version.split(".")[0]) < least else None


def _visible(cards: list[SeenCard], environ: Mapping[str, str]) -> list[SeenCard]:
    """Leave out what CUDA_VISIBLE_DEVICES hides; cards named by UUID all count."""
    wanted = environ.get("CUDA_VISIBLE_DEVICES")
    if wanted is None:
        return cards
    shown: list[SeenCard] = []
    for word in filter(None, map(str.strip, wanted.split(","))):
        if not word.isdecimal():
            return cards if word.startswith(("GPU-", "MIG-")) else shown
        if int(word) >= len(cards):
            return shown
        shown.append(cards[int(word)])
    return shown


def _mebibytes(text: str) -> int:
    # A card that shares the machine's memory answers "[N/A]".
    return int(text) * 1024**2 if text.strip().isdecimal() else 0
