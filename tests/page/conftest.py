"""One real server and one real browser for all tests of the page; a fresh page for each.

They end with the package, not the session: Playwright keeps an event loop running in this thread,
and whatever came after could start none of its own.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.page.chromium import Watched, launched

RETAKE = [sys.executable, "-m", "retake.cli.main"]
START_S = 60


@dataclass(frozen=True)
class Server:
    """A running `retake serve`: where it is, and a key for it."""

    base: str
    key: str


@pytest.fixture(scope="package")
def browser() -> Generator[Browser]:
    """A real Chromium."""
    with launched() as browser:
        expect.set_options(timeout=15_000)
        yield browser


@pytest.fixture(scope="package")
def server(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Generator[Server]:
    """The whole thing, as a user starts it; without a browser there is no need of it."""
    folder = tmp_path_factory.mktemp("server")
    port = _free_port()
    base = f"http://127.0.0.1:{port}"
    env = {**os.environ, "RETAKE_DATA_DIR": str(folder / "data")}
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*RETAKE, "serve", "--port", str(port)], env=env, stdout=log, stderr=log
        )
    try:
        _wait_for(base, process, folder / "log")
        made = subprocess.run(
            [*RETAKE, "keys", "create"], env=env, check=True, capture_output=True, text=True
        )
        yield Server(base, made.stdout.strip())
    finally:
        process.terminate()
        process.wait(20)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_for(base: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urlopen(base + "/healthz", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the server did not start:\n{log.read_text()[-3000:]}")


Open = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, server: Server) -> Generator[Open]:
    """Opens the page as somebody new; afterwards it must not have complained nor gone elsewhere."""
    contexts, watched = [], []

    def opened(path: str | None = None, **options: object) -> Page:
        context = browser.new_context(**options)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        watched.append(Watched(page, server.base))
        page.goto(server.base + (f"/#key={server.key}" if path is None else path))
        return page

    yield opened
    for context in contexts:
        context.close()
    assert [one.complaints for one in watched] == [[]] * len(watched)
    assert [one.strangers for one in watched] == [[]] * len(watched)


@pytest.fixture
def desk(open_page: Open, clip: Path) -> Page:
    """The page with a key and a clip of 4 s."""
    page = open_page()
    choose(page, clip)
    return page


def choose(page: Page, clip: Path) -> None:
    """Choose a file and wait until the timeline knows it."""
    page.set_input_files("input[type=file]", clip)
    page.get_by_role("slider", name="Section start").wait_for()


def seconds(field_value: str) -> float:
    """Read `0:03.500`."""
    match = re.fullmatch(r"(\d+):(\d\d\.\d{3})", field_value)
    assert match is not None, field_value
    return int(match[1]) * 60 + float(match[2])


def field(page: Page, label: str) -> float:
    """Return the seconds that a time field shows."""
    return seconds(page.get_by_label(label, exact=True).input_value())
