"""Whether ltx can work on a machine, what is said where it cannot, and which engine answers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from retake.bootstrap.child import _first_engine, _warm
from retake.bootstrap.ltx import check_default
from retake.bootstrap.parts import default_choice, engine_info, engine_infos, settings
from retake.cli.doctor_ltx import fits
from retake.cli.main import app
from retake.core.errors import BadRequest, EngineFailed, RetakeError
from retake.engines.ltx.driver import Driver, SeenCard, Torch, read_driver, read_torch, too_old_for
from retake.engines.ltx.readiness import choose, find_weights, is_distilled, lacks_card
from retake.engines.ltx.weights.folder import look_into
from retake.engines.ltx.weights.library import Held, Library
from tests.e2e.server import Server

H100 = "580.95.05, 81559, NVIDIA H100 80GB HBM3\n"
CUDA = Torch("2.13.0", "13.0")


def smi(folder: Path, text: str, code: int = 0) -> str:
    """Put a program into `folder` that answers as nvidia-smi does."""
    command = folder / "nvidia-smi"
    command.write_text(f"#!/bin/sh\nprintf '%s' '{text}'\nexit {code}\n")
    command.chmod(0o755)
    return str(command)


def test_the_driver_tells_its_cards(tmp_path: Path):
    two = f"{H100}580.95.05, 24564, NVIDIA GeForce RTX 4090\n"
    found = read_driver(smi(tmp_path, two), {})
    assert found is not None
    assert found.version == "580.95.05"
    assert found.cards == (
        SeenCard("NVIDIA H100 80GB HBM3", 81559 * 1024**2),
        SeenCard("NVIDIA GeForce RTX 4090", 24564 * 1024**2),
    )
    assert read_driver(str(tmp_path / "nothing"), {}) is None


@pytest.mark.parametrize(
    ("wanted", "seen"),
    [("1", [1]), ("1,0", [1, 0]), ("", []), ("-1", []), ("2", []), ("7", []), ("0,9", [0])],
)
def test_hidden_cards_do_not_count(tmp_path: Path, wanted: str, seen: list[int]):
    two = f"{H100}580.95.05, 24564, NVIDIA GeForce RTX 4090\n"
    command = smi(tmp_path, two)
    every, shown = read_driver(command, {}), read_driver(command, {"CUDA_VISIBLE_DEVICES": wanted})
    assert every is not None
    assert shown is not None
    assert shown.cards == tuple(every.cards[place] for place in seen)


@pytest.mark.parametrize(
    ("text", "code", "what"),
    [
        ("Failed to initialize NVML: Driver/library version mismatch", 18, "mismatch"),
        ("No devices were found", 0, "shows none"),
        ("580.95.05, [N/A], NVIDIA GB10\n", 0, None),
    ],
)
def test_a_driver_that_does_not_work_is_told_in_its_own_words(
    tmp_path: Path, text: str, code: int, what: str | None
):
    lack = lacks_card(read_driver(smi(tmp_path, text, code), {}), CUDA)
    assert (lack is None) == (what is None)
    if lack is not None and what is not None:
        assert lack.code == "no_gpu"
        assert what in lack.message


@given(major=st.integers(440, 700), cuda=st.sampled_from(["11.8", "12.6", "13.0"]))
def test_a_driver_is_too_old_below_what_its_cuda_needs(major: int, cuda: str):
    driver = Driver(f"{major}.10.05", (SeenCard("card", 1),))
    least = {"11.8": 450, "12.6": 525, "13.0": 580}[cuda]
    torch = Torch("2.13.0", cuda)
    assert too_old_for(driver, torch) == (least if major < least else None)
    lack = lacks_card(driver, torch)
    assert (lack is None) == (major >= least)
    assert lack is None or (lack.code == "driver_too_old" and str(least) in lack.message)


def test_a_torch_without_cuda_is_told_beside_a_card():
    lack = lacks_card(Driver("580.1", (SeenCard("NVIDIA L4", 1),)), Torch("2.13.0+cpu", None))
    assert lack is not None
    assert lack.code == "torch_without_cuda"
    assert "NVIDIA L4" in lack.message


def test_the_installed_torch_is_read_without_loading_it():
    import torch

    found = read_torch()
    assert found is not None
    assert (found.version, found.cuda) == (torch.__version__, torch.version.cuda)


@given(asked=st.sampled_from(["auto", "vfx", "ltx", "hosted", "other"]), lacks=st.booleans())
def test_only_auto_is_decided_and_only_what_lacks_nothing_is_switched_to(asked: str, lacks: bool):
    lack = EngineFailed("no_gpu", "no GPU is here") if lacks else None
    choice = choose(asked, lack)
    assert choice.engine == (asked if asked != "auto" else "vfx" if lacks else "ltx")
    assert not (asked == "auto" and lacks) or "no GPU is here" in choice.why


def test_weights_are_found_by_name_by_folder_and_by_themselves(ltx_folder: Path, tmp_path: Path):
    library = Library(tmp_path)
    with pytest.raises(EngineFailed, match="retake models pull") as caught:
        find_weights(library, None)
    assert caught.value.code == "weights_missing"
    library.add(ltx_folder, "mine")
    for named in (None, "mine", str(ltx_folder)):
        assert find_weights(library, named).folder == ltx_folder
    with pytest.raises(BadRequest, match="there are mine"):
        find_weights(library, "yours")
    with pytest.raises(EngineFailed, match=r"model_index\.json"):
        find_weights(library, str(tmp_path))


def test_an_engine_is_offered_where_it_can_be_loaded(
    ltx_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("RETAKE_MODELS_DIR", str(tmp_path))
    monkeypatch.delenv("RETAKE_ENGINE", raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    assert "ltx" not in engine_infos()
    with pytest.raises(RetakeError, match="retake models pull"):
        engine_info("ltx")
    with pytest.raises(BadRequest, match="accepted is vfx"):
        engine_info("ltx2")
    monkeypatch.setenv("RETAKE_LTX_WEIGHTS", str(ltx_folder))
    assert engine_info("ltx").id == "ltx"
    # There are weights, but no card: what was the default stays it, and it is said why.
    assert settings().engine == "vfx"
    assert "no NVIDIA driver" in default_choice().why
    monkeypatch.setenv("RETAKE_ENGINE", "ltx")
    assert settings().engine == "ltx"


def test_a_server_says_which_engine_answers_and_does_not_start_without_it(
    ltx_folder: Path, tmp_path: Path
):
    command = [sys.executable, "-m", "retake.cli.main", "serve", "--port", "0"]
    env = os.environ | {"RETAKE_ENGINE": "ltx", "RETAKE_MODELS_DIR": str(tmp_path)}
    refused = subprocess.run(
        [*command, "--data-dir", str(tmp_path / "data")],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 4
    assert "retake models pull" in refused.stderr
    server = Server(tmp_path / "data", engine="ltx", ltx_weights=str(ltx_folder)).start()
    try:
        assert "The engine is ltx with" in server.said
        with server.client() as client:
            told = client.get("/models/ltx-2-pro-retake").json()
            names = {model["model"] for model in client.get("/models").json()["models"]}
    finally:
        server.stop()
    assert told["engine"]["id"] == "ltx"
    assert {"options.preset", "options.loras"} <= {one["name"] for one in told["parameters"]}
    assert {"ltx-retake", "vfx-retake"} <= names


def test_a_server_without_engines_of_its_own_may_name_one_that_others_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("RETAKE_MODELS_DIR", str(tmp_path))
    monkeypatch.setenv("RETAKE_ENGINE", "ltx")
    with pytest.raises(EngineFailed, match="no weights"):
        check_default(settings())
    check_default(settings(slots=0))
    check_default(settings(database="postgresql://nobody@127.0.0.1/none"))
    with pytest.raises(EngineFailed, match="no weights"):
        check_default(settings(database="postgresql://nobody@127.0.0.1/none", slots=1))
    assert engine_info("ltx").id == "ltx"


def test_the_catalogue_knows_which_weights_are_distilled(ltx_folder: Path):
    contents = look_into(ltx_folder)
    for name, record, wanted in (
        ("ltx-2.5", {}, True),
        ("ltx-2.3", {}, False),
        ("mine", {"repository": "diffusers/LTX-2.3-Distilled-Diffusers"}, True),
        ("mine", {}, None),
    ):
        assert is_distilled(Held(name, ltx_folder, contents, record, added=True)) is wanted


def test_the_default_switches_over_once_all_is_there(ltx_folder: Path, tmp_path: Path):
    """In a process of its own, whose torch says that it is built for CUDA."""
    stub = tmp_path / "stub/torch"
    stub.mkdir(parents=True)
    (stub / "__init__.py").write_text("raise ImportError('the decision loads no torch')\n")
    (stub / "version.py").write_text("__version__ = '2.13.0'\ncuda: Optional[str] = '13.0'\n")
    smi(tmp_path, H100)
    env = {
        **os.environ,
        "PYTHONPATH": str(stub.parent),
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "RETAKE_LTX_WEIGHTS": str(ltx_folder),
        "CUDA_VISIBLE_DEVICES": "0",
    }

    def told(*command: str, **more: str) -> str:
        asked = [sys.executable, *command]
        environment = {**env, **more}
        done = subprocess.run(asked, env=environment, capture_output=True, text=True, check=False)
        return done.stdout

    def chosen(**more: str) -> str:
        code = "from retake.bootstrap.parts import default_choice, settings\n"
        code += "print(settings().engine, default_choice().why)"
        return told("-c", code, **more)

    doctor = told("-m", "retake.cli.main", "doctor")
    assert "The engine is ltx: a GPU and weights are here" in doctor
    assert "NVIDIA H100 80GB HBM3, 80 GiB, driver 580.95.05: 5 s of 1080p would go as" in doctor
    assert chosen() == "ltx a GPU and weights are here\n"
    assert chosen(RETAKE_ENGINE="vfx").startswith("vfx ")
    assert chosen(CUDA_VISIBLE_DEVICES="").startswith("vfx ltx cannot work here")
    (stub / "version.py").write_text("__version__ = '2.13.0+cpu'\ncuda: Optional[str] = None\n")
    assert "force-reinstall torch" in chosen()


def test_doctor_says_what_is_missing_and_stays_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("RETAKE_MODELS_DIR", str(tmp_path))
    monkeypatch.setenv("RETAKE_DATA_DIR", str(tmp_path))
    result = CliRunner().invoke(app, ["doctor"])
    assert "retake models pull ltx-2.3" in result.stdout
    assert "12 GiB: " in result.stdout


def test_every_card_has_an_answer():
    for gib in range(1, 200):
        assert fits(gib * 1024**3)
    assert "too small" in fits(1024**3)
    assert "bf16, all loaded" in fits(192 * 1024**3)


def test_an_engine_child_goes_on_without_an_engine_that_it_cannot_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setenv("RETAKE_MODELS_DIR", str(tmp_path))
    engines = _first_engine("ltx", settings())
    _warm(engines, "ltx")
    assert engines == {}
    assert "retake models pull" in caplog.text
    caplog.clear()
    assert list(_first_engine("vfx", settings())) == ["vfx"]
