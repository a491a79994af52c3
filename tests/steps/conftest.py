from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    """Where a fetched file is to appear, in a folder that holds nothing else."""
    folder = tmp_path / "work"
    folder.mkdir()
    return folder / "source.mp4"
