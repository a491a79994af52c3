"""The committed page is what its sources build."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "page"
BUILT = ROOT / "src/retake/web"
NO_NETWORK = re.compile(
    r"ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|E40[13]"
)


def _npm(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("no node and npm on this machine")
    return subprocess.run(
        [npm, *arguments], check=False, cwd=folder, capture_output=True, text=True, timeout=240
    )


@pytest.mark.slow
def test_building_the_page_again_gives_the_committed_files(tmp_path: Path):
    page = tmp_path / "page"
    shutil.copytree(SOURCES, page, ignore=shutil.ignore_patterns("node_modules"))
    installed = _npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", folder=page)
    if installed.returncode != 0 and NO_NETWORK.search(installed.stderr):
        pytest.skip("the npm registry cannot be reached")
    assert installed.returncode == 0, installed.stderr
    checked = _npm("run", "check", folder=page)
    assert checked.returncode == 0, checked.stdout
    built = _npm("run", "build", "--", str(tmp_path / "web"), folder=page)
    assert built.returncode == 0, built.stderr
    fresh = {file.name: file.read_bytes() for file in (tmp_path / "web").iterdir()}
    committed = {
        file.name: file.read_bytes()
        for file in BUILT.iterdir()
        if file.is_file() and file.suffix != ".py"
    }
    assert fresh.keys() == committed.keys()
    different = [name for name in fresh if fresh[name] != committed[name]]
    assert different == [], "run `npm ci && npm run build` in page/ and commit src/retake/web"


def test_every_package_of_the_page_is_named_exactly():
    package = json.loads((SOURCES / "package.json").read_text())
    named = {**package["dependencies"], **package["devDependencies"]}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in named.values()), named


def test_the_lock_file_names_no_registry_but_the_public_one():
    locked = json.loads((SOURCES / "package-lock.json").read_text())["packages"]
    addresses = {entry["resolved"] for entry in locked.values() if "resolved" in entry}
    assert all(url.startswith("https://registry.npmjs.org/") for url in addresses)
    assert all("integrity" in entry for name, entry in locked.items() if name)


def test_the_page_holds_no_inline_script_or_style_and_no_foreign_address():
    html = (BUILT / "index.html").read_text()
    assert not re.search(r"<script(?![^>]* src=)|<style|\bstyle=|\son\w+=|https?://", html)
    assert "https://" not in (BUILT / "app.css").read_text()


def test_the_page_stays_small():
    assert sum(file.stat().st_size for file in BUILT.iterdir() if file.is_file()) < 200_000
