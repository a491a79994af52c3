"""Finding a Chromium that plays H.264, and opening pages in it that must not complain."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Error, Page, Playwright, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
LAUNCH_S = 60
FLAGS = [
    "--no-sandbox",
    "--no-zygote",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--mute-audio",
]


def find_chromium() -> str | None:
    """Return the path of a Chromium of this machine; RETAKE_TEST_CHROMIUM names another."""
    chosen = os.environ.get("RETAKE_TEST_CHROMIUM")
    if chosen:
        return chosen
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@contextmanager
def launched() -> Generator[Browser]:
    """Open a browser; skip the test where there is none that fits."""
    path = find_chromium()
    if path is None:
        pytest.skip("no Chromium on this machine; RETAKE_TEST_CHROMIUM may name one")
    with sync_playwright() as playwright:
        browser = _launch(playwright, path)
        try:
            page = browser.new_page()
            playable = page.evaluate(
                "MediaSource.isTypeSupported('video/mp4; codecs=\"avc1.64001f\"')"
            )
            page.close()
            if not playable:
                pytest.skip(f"{path} does not play H.264")
            yield browser
        finally:
            browser.close()


def _launch(playwright: Playwright, path: str) -> Browser:
    def launch() -> Browser:
        return playwright.chromium.launch(executable_path=path, args=FLAGS, timeout=LAUNCH_S * 1000)

    try:
        return launch()
    except Error:
        # A machine that is busy with something else may need a second try; Playwright has ended
        # what it started.
        return launch()


class Watched:
    """Listens to a page: what it complains of, and whom it talks to."""

    def __init__(self, page: Page, base: str) -> None:
        self.complaints: list[str] = []
        self.strangers: list[str] = []
        self._host = urlsplit(base).netloc
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._heard)
        page.on("request", self._asked)

    def _heard(self, message: Any) -> None:
        # Chromium itself reports every answer from 400 upwards; the page tells those in words.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    def _asked(self, request: Any) -> None:
        url = urlsplit(request.url)
        if url.scheme in {"http", "https", "ws", "wss"} and url.netloc != self._host:
            self.strangers.append(request.url)


def screenshot_folder() -> Path | None:
    """Return where to leave pictures for people to look at; None unless asked for."""
    folder = os.environ.get("RETAKE_TEST_SCREENSHOTS")
    return Path(folder) if folder else None
