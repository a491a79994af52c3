"""Tiny weights of the real classes, written once a session and loaded by the real code."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
import torch

from retake.engines.ltx.components import Components, load
from tests.ltx.tiny import save_tiny


@pytest.fixture(autouse=True)
def _one_thread() -> Generator[None]:
    """Several suites share the machine's cores; sums come in one order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def ltx_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of tiny LTX-2.3 weights."""
    return save_tiny(tmp_path_factory.mktemp("ltx") / "ltx-2.3-tiny")


@pytest.fixture(scope="session")
def components(ltx_folder: Path) -> Components:
    """What is in it, on the CPU in float32. Nobody changes it."""
    return load(ltx_folder, "cpu", torch.float32)
