"""The house stands as DESIGN drew it: layers, sizes of rooms, what is loaded when."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src/retake").rglob("*.py"))
LONGEST = 250


def test_imports_go_down_the_layers(monkeypatch):
    monkeypatch.chdir(ROOT)
    # It sets logging up anew, which silences every logger that is there already.
    for name in list(logging.root.manager.loggerDict):
        logger = logging.getLogger(name)
        monkeypatch.setattr(logger, "disabled", logger.disabled)
    assert lint_imports(no_cache=True) == 0


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_is_a_small_room(path):
    lines = len(path.read_text().splitlines())
    assert lines <= LONGEST, f"{lines} lines: move the furniture before you add more"


def test_the_command_line_loads_nothing_heavy():
    heavy = {"numpy", "torch", "numba", "cv2", "av", "fastapi", "pydantic", "httpx", "dbos"}
    code = f"import sys, retake.cli.main; print(sorted({heavy!r} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_a_server_without_postgresql_loads_nothing_of_it():
    parts = "retake.bootstrap.server, retake.queue.requests, retake.queue.opening, retake.api.app"
    code = f"import sys, {parts}; print(sorted({{'psycopg', 'dbos'}} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_nothing_in_src_prints_but_the_command_line():
    for path in SOURCES:
        if "cli" not in path.parts:
            assert "print(" not in path.read_text(), path


def test_no_mocks_of_our_own_code():
    for path in (ROOT / "tests").rglob("*.py"):
        if path != Path(__file__):
            assert "unittest.mock" not in path.read_text(), path
