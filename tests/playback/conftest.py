"""One Chromium for all of playback, and the files that it plays, each rendered once."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.matrix.sources import ROWS
from tests.media.takes import Edit, edit
from tests.page.chromium import launched
from tests.playback.files import served

SECTION = (15, 21)
"""Frames: neither seam is at a keyframe, so the pictures behind it are encoded again."""


@pytest.fixture(scope="package")
def browser() -> Generator[Browser]:
    """A real Chromium; it ends with the package, as the page's tests say why."""
    with launched() as browser:
        yield browser


@pytest.fixture(scope="package")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where the rendered files lie."""
    return tmp_path_factory.mktemp("playback")


@pytest.fixture(scope="package")
def address(folder: Path) -> Generator[str]:
    """The folder's address."""
    with served(folder) as address:
        yield address


@pytest.fixture
def page(browser: Browser, address: str) -> Generator[Page]:
    """An empty page with a player in it."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(address)
    yield page
    context.close()


@pytest.fixture(scope="package")
def rendered(folder: Path) -> Callable[[str], Edit]:
    """Return the function that gives a row of the matrix with new pictures and sound in it."""
    done: dict[str, Edit] = {}

    def render(name: str) -> Edit:
        if name not in done:
            row = ROWS[name]
            src = row.make(folder / f"source{len(done)}{row.ending}")
            done[name] = edit(src, folder, *SECTION, name=f"{len(done)}{row.ending}")
        return done[name]

    return render
