"""`retake models`, with the real hub client against a server on this machine."""

from __future__ import annotations

import json
import os
import pty
import shutil
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from retake.cli.main import app
from retake.core.errors import FetchFailed, StorageFailed
from retake.engines.ltx.weights import hub as client
from retake.engines.ltx.weights import library as library_module
from retake.engines.ltx.weights import licence as licences
from retake.engines.ltx.weights.catalogue import CATALOGUE, LTX_2, find_model
from retake.engines.ltx.weights.library import Library
from retake.engines.ltx.weights.pull import Pulling, pull
from tests.ltx.hub_server import COMMIT, TOKEN, Hub, serve

MODEL = find_model("ltx-2.3")
PIECES = 2 * 10 * 1024**2
BIG = "transformer/diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module")
def repository(ltx_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the hub holds: the tiny weights, a licence, and what a pull must leave there."""
    folder = tmp_path_factory.mktemp("hub") / "repo"
    shutil.copytree(ltx_folder, folder)
    (folder / "LICENSE").write_text("Do no harm.\n")
    (folder / "prompt_enhancer").mkdir()
    (folder / "prompt_enhancer/model.safetensors").write_bytes(b"not wanted")
    shutil.copy(folder / BIG, folder / "transformer/diffusion_pytorch_model-old.safetensors")
    return folder


@pytest.fixture(scope="module")
def large(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with one large file: the client writes pieces of 10 MiB; smaller ones are whole."""
    folder = tmp_path_factory.mktemp("large") / "repo"
    shutil.copytree(repository, folder)
    _zeros(folder / BIG, 24_000_000)
    return folder


@pytest.fixture
def hub(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Hub]:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with serve(Hub(repository, MODEL.repository)) as answering:
        monkeypatch.setenv("HF_ENDPOINT", answering.url)
        yield answering


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    monkeypatch.setenv("RETAKE_MODELS_DIR", str(tmp_path / "models"))
    return Library(tmp_path / "models")


def retake(*args: str) -> SimpleNamespace:
    """Run `retake models …` here; the client reads its environment when it is loaded."""
    result = CliRunner().invoke(app, ["models", *args])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return SimpleNamespace(code=result.exit_code, out=result.stdout, err=result.stderr)


def pulled(models: Library, tell: Pulling | None = None) -> library_module.Held:
    """Pull without a terminal."""
    accepted = licences.accept(models.models_dir, LTX_2, None)
    quiet = Pulling(lambda _: None, lambda _: None)
    return pull(models, MODEL, client.look_up(MODEL), accepted, tell or quiet)


def test_a_pull_brings_what_is_used_and_nothing_else(hub: Hub, models: Library):
    refused = retake("pull", "ltx-2.3")
    assert refused.code == 2
    assert "LICENSE-2" in refused.err
    assert "--accept-license" in refused.err
    assert not any(path.endswith(".safetensors") for path, _ in hub.fetched())
    assert retake("pull", "ltx-2.3", "--accept-license").code == 0
    held = models.find("ltx-2.3")
    assert held.ready
    assert held.contents.family == "2.3"
    assert held.record["revision"] == COMMIT
    assert not (held.folder / "prompt_enhancer").exists()
    assert not (held.folder / "transformer/diffusion_pytorch_model-old.safetensors").exists()
    assert (held.folder / "LICENSE").read_text() == "Do no harm.\n"
    assert not (held.folder / ".cache").exists()
    record = json.loads((models.models_dir / "licences.json").read_text())[LTX_2.name]
    assert record["date"] == LTX_2.date
    assert record["accepted_at"]
    assert record["text_sha256"]
    assert retake("verify", "ltx-2.3").code == 0
    told = json.loads(retake("list", "--json").out)["models"]
    assert [row["name"] for row in told] == [model.name for model in CATALOGUE]
    assert told[0]["ready"]
    assert not told[1]["here"]


@pytest.mark.parametrize(("answer", "code"), [("n", 2), ("y", 0)])
def test_at_a_terminal_the_licence_is_shown_and_asked_for(
    hub: Hub, models: Library, answer: str, code: int
):
    command = [sys.executable, "-m", "retake.cli.main", "models", "pull", "ltx-2.3"]
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as pulling:
        os.write(ours, f"{answer}\n".encode())
        shown = ""
        while "[y/N]" not in shown:
            shown += os.read(ours, 4096).decode()
        drain = threading.Thread(target=_drain, args=(ours,), daemon=True)
        drain.start()
        assert pulling.wait(60) == code
    os.close(theirs)
    drain.join(10)
    os.close(ours)
    assert "Do no harm." in shown
    assert "LTX-2 Community License Agreement of 2026-01-05" in shown
    assert bool(models.held()) == (answer == "y")
    assert (models.models_dir / "licences.json").exists() == (answer == "y")


def test_an_accepted_licence_is_not_asked_for_again_until_its_text_changes(
    hub: Hub, models: Library, repository: Path
):
    assert retake("pull", "ltx-2.3", "--accept-license").code == 0
    before = len(hub.fetched())
    assert retake("pull", "ltx-2.3").code == 0
    assert not any(path.endswith(".safetensors") for path, _ in hub.fetched()[before:])
    hub.commit = "f" * 40
    (repository / "LICENSE").write_text("Do harm.\n")
    try:
        assert retake("pull", "ltx-2.3").code == 2
    finally:
        (repository / "LICENSE").write_text("Do no harm.\n")


def test_a_cut_connection_is_picked_up_within_a_pull(hub: Hub, models: Library):
    hub.cut_after[BIG] = [1000]
    assert pulled(models).ready
    assert [path for path, _ in hub.fetched()].count(BIG) == 2


def test_a_pull_goes_on_in_the_middle_of_a_file(hub: Hub, models: Library, large: Path):
    hub.folder = large
    came = 0

    def until_the_plug_is_pulled(count: int) -> None:
        nonlocal came
        came += count
        if came > 30_000_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pulled(models, Pulling(lambda _: None, until_the_plug_is_pulled))
    assert models.held() == ()
    assert pulled(models).ready
    starts = [start for path, start in hub.fetched() if path == BIG]
    assert starts[0] == 0
    assert starts[-1] >= 10_000_000
    assert retake("verify", "ltx-2.3").code == 0


def test_a_killed_pull_goes_on_and_two_at_once_are_refused(hub: Hub, models: Library, large: Path):
    hub.folder = large
    hub.stall_after[BIG] = 22_000_000
    licences.accept(models.models_dir, LTX_2, "Do no harm.\n")
    command = [sys.executable, "-m", "retake.cli.main", "models", "pull", "ltx-2.3"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as pulling:
        parts = models.models_dir / ".pulling/ltx-2.3/.cache"
        until = time.monotonic() + 60
        while not any(part.stat().st_size >= PIECES for part in parts.glob("*.part")):
            assert time.monotonic() < until
            time.sleep(0.05)
        with pytest.raises(StorageFailed, match="under way"):
            pulled(models)
        pulling.kill()
    assert models.held() == ()
    assert pulled(models).ready
    assert [start for path, start in hub.fetched() if path == BIG] == [0, PIECES]
    assert retake("verify", "ltx-2.3").code == 0


def test_bytes_that_are_not_the_promised_ones_are_thrown_away(hub: Hub, models: Library):
    hub.wrong.add(BIG)
    with pytest.raises(FetchFailed, match="thrown away") as caught:
        pulled(models)
    assert caught.value.code == "weights_checksum"
    assert BIG in caught.value.message
    assert models.held() == ()
    hub.wrong.clear()
    assert pulled(models).ready


@pytest.mark.parametrize("token", [None, "hf_somebody_else"])
def test_gated_weights_say_where_to_ask(
    hub: Hub, models: Library, monkeypatch: pytest.MonkeyPatch, token: str | None
):
    hub.gated = True
    hub.members.add(TOKEN)
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    refused = retake("pull", "ltx-2.3", "--accept-license")
    assert refused.code == 3
    assert MODEL.page in refused.err
    assert ("HF_TOKEN" in refused.err) == (token is None)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert retake("pull", "ltx-2.3", "--accept-license").code == 0


def test_a_full_disk_is_told_before_anything_large_comes(
    hub: Hub, models: Library, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(library_module.shutil, "disk_usage", lambda _: SimpleNamespace(free=10**9))
    with pytest.raises(StorageFailed, match="RETAKE_MODELS_DIR") as caught:
        pulled(models)
    assert caught.value.code == "disk_full"
    assert not any(path.endswith(".safetensors") for path, _ in hub.fetched())


def test_a_newer_revision_brings_only_what_changed(hub: Hub, models: Library, repository: Path):
    pulled(models)
    before = len(hub.fetched())
    hub.commit = "f" * 40
    (repository / "README.md").write_text("newer\n")
    assert pulled(models).record["revision"] == hub.commit
    assert not any(path.endswith(".safetensors") for path, _ in hub.fetched()[before:])
    (repository / "README.md").unlink()


def test_damaged_files_are_named(hub: Hub, models: Library):
    held = pulled(models)
    whole = (held.folder / BIG).read_bytes()
    (held.folder / BIG).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    (held.folder / "vae/diffusion_pytorch_model.safetensors").write_bytes(whole[:5000])
    (held.folder / "connectors/config.json").unlink()
    damaged = retake("verify", "ltx-2.3", "--json")
    assert damaged.code == 6
    faults = {one["path"]: one["what"] for one in json.loads(damaged.out)["faults"]}
    assert faults[BIG] == "other bytes than were pulled"
    assert faults["vae/diffusion_pytorch_model.safetensors"].startswith("cut off: 5000 of ")
    assert faults["connectors/config.json"] == "missing"
    assert "damaged" in retake("list").out
    assert retake("pull", "ltx-2.3").code == 0
    assert retake("verify", "ltx-2.3").code == 0


def test_a_folder_is_added_where_it_lies_and_only_forgotten(
    ltx_folder: Path, models: Library, tmp_path: Path
):
    assert retake("add", str(ltx_folder), "--name", "mine").code == 0
    assert models.find("mine").folder == ltx_folder
    assert "no checksums" in retake("verify", "mine").out
    assert retake("remove", "mine").code == 0
    assert (ltx_folder / "model_index.json").exists()
    assert models.held() == ()
    broken = tmp_path / "broken"
    shutil.copytree(ltx_folder, broken)
    os.truncate(broken / BIG, 40_000)
    refused = retake("add", str(broken))
    assert refused.code == 4
    assert f"{BIG}: cut off: 40000 of " in refused.err
    assert retake("add", str(tmp_path)).code == 4


def test_a_pulled_folder_carried_to_another_machine_is_checked_there(
    hub: Hub, models: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    shutil.copytree(pulled(models).folder, tmp_path / "stick/ltx-2.3")
    monkeypatch.setenv("RETAKE_MODELS_DIR", str(tmp_path / "there"))
    assert retake("add", str(tmp_path / "stick/ltx-2.3")).code == 0
    assert "as it was pulled" in retake("verify", "ltx-2.3").out


def test_removing_frees_the_room(hub: Hub, models: Library):
    folder = pulled(models).folder
    told = json.loads(retake("remove", "ltx-2.3", "--json").out)
    assert told["freed_bytes"] > 10_000_000
    assert not folder.exists()
    assert retake("remove", "ltx-2.3").code == 2


def test_offline_says_how_weights_come_here(tmp_path: Path):
    # The client reads HF_HUB_OFFLINE when it is loaded: a process of its own.
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "RETAKE_MODELS_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "retake.cli.main", "models", "pull", "ltx-2.3"]
    refused = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert refused.returncode == 3
    assert "HF_HUB_OFFLINE" in refused.stderr
    assert "retake models add" in refused.stderr


def test_an_unreachable_hub_and_an_unknown_name_are_told(
    models: Library, hub: Hub, monkeypatch: pytest.MonkeyPatch
):
    assert "ltx-2.3-distilled" in retake("pull", "ltx-9").err
    assert retake("pull", "ltx-2.3", "--revision", "nowhere").code == 3
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    refused = retake("pull", "ltx-2.3", "--json")
    assert refused.code == 3
    assert json.loads(refused.out)["error"]["code"] == "hub_unreachable"


def _drain(terminal: int) -> None:
    """Read what a process still shows, so that it never waits for a reader."""
    with suppress(OSError):
        while os.read(terminal, 4096):
            pass


def _zeros(path: Path, size: int) -> None:
    told = {"zeros": {"dtype": "F32", "shape": [size // 4], "data_offsets": [0, size]}}
    header = json.dumps(told).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(size))
