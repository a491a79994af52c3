"""The matrix's sources, each made once a session, when first asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.matrix.sources import ROWS


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the function that gives a row's clip."""
    folder, done = tmp_path_factory.mktemp("matrix"), dict[str, Path]()

    def make(name: str) -> Path:
        if name not in done:
            row = ROWS[name]
            done[name] = row.make(folder / f"{len(done)}{row.ending}")
        return done[name]

    return make
