"""LoRA files: named by requests, merged by the formula, refused where they are for others."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor
from typer.testing import CliRunner

from retake.cli.main import app
from retake.core.errors import BadRequest, EngineFailed
from retake.engines.ltx.components import Components, load
from retake.engines.ltx.engine import LtxEngine
from retake.engines.ltx.weights.loras import Lora, Loras
from retake.engines.ltx.weights.merging import merge
from tests.ltx.tiny import make_transformer

LAYER = "transformer_blocks.0.attn1.to_q"
SEED = torch.Generator().manual_seed(5)


def lora(path: Path, layer: str, size: tuple[int, int], rank: int = 4, **more: Tensor) -> Path:
    """Write a LoRA for one layer of `size` (out, in)."""
    down, up = (
        torch.randn(rank, size[1], generator=SEED),
        torch.randn(size[0], rank, generator=SEED),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({f"{layer}.lora_A.weight": down, f"{layer}.lora_B.weight": up, **more}, path)
    return path


def halves(path: Path) -> tuple[Tensor, Tensor]:
    from safetensors.torch import load_file

    read = load_file(path)
    down = next(value for name, value in read.items() if "lora_A" in name or "down" in name)
    up = next(value for name, value in read.items() if "lora_B" in name or "up" in name)
    return down, up


@pytest.fixture
def transformer() -> torch.nn.Module:
    torch.manual_seed(1)
    return make_transformer()


@pytest.mark.parametrize(
    ("layer", "alpha", "strength"),
    [
        (f"transformer.{LAYER}", None, 1.0),
        (f"transformer.{LAYER}", 2.0, -0.5),
        (f"diffusion_model.{LAYER}", None, 0.75),
    ],
)
def test_a_lora_is_added_by_the_formula_and_nothing_else_changes(
    tmp_path: Path,
    transformer: torch.nn.Module,
    layer: str,
    alpha: float | None,
    strength: float,
):
    more = {} if alpha is None else {f"{layer}.alpha": torch.tensor(alpha)}
    file = lora(tmp_path / "one.safetensors", layer, (32, 32), **more)
    before = {name: value.clone() for name, value in transformer.state_dict().items()}
    assert merge({"transformer": transformer}, [Lora("one", file, strength)]) == 1
    down, up = halves(file)
    scale = strength * (1.0 if alpha is None else alpha / 4)
    wanted = before[f"{LAYER}.weight"].double() + scale * (up.double() @ down.double())
    after = transformer.state_dict()
    assert (after[f"{LAYER}.weight"].double() - wanted).abs().max() < 1e-5
    changed = [name for name in before if not torch.equal(before[name], after[name])]
    assert changed == [f"{LAYER}.weight"]


def test_two_loras_add_up_and_names_in_the_original_layout_are_translated(
    tmp_path: Path, transformer: torch.nn.Module
):
    one = lora(tmp_path / "one.safetensors", f"transformer.{LAYER}", (32, 32))
    two = lora(tmp_path / "two.safetensors", "diffusion_model.patchify_proj", (32, 8))
    weights = transformer.get_submodule("proj_in").weight.clone()
    assert merge({"transformer": transformer}, [Lora("one", one), Lora("two", two, 2.0)]) == 2
    down, up = halves(two)
    after = transformer.get_submodule("proj_in").weight
    assert torch.allclose(after, weights + 2 * up @ down, atol=1e-5)


@pytest.mark.parametrize(
    ("layer", "size", "told"),
    [
        (f"transformer.{LAYER}", (64, 32), "64x32 weights, here they are 32x32"),
        ("transformer.transformer_blocks.40.attn1.to_q", (32, 32), "1 of its 1 layers are not"),
        ("unet.down_blocks.0.attn1.to_q", (32, 32), "1 of its 1 layers are not"),
    ],
)
def test_a_lora_of_another_model_is_refused_before_anything_changes(
    tmp_path: Path,
    transformer: torch.nn.Module,
    layer: str,
    size: tuple[int, int],
    told: str,
):
    good = lora(tmp_path / "good.safetensors", f"transformer.{LAYER}", (32, 32))
    bad = lora(tmp_path / "bad.safetensors", layer, size)
    before = transformer.get_submodule(LAYER).weight.clone()
    with pytest.raises(EngineFailed, match=told) as caught:
        merge({"transformer": transformer}, [Lora("good", good), Lora("bad", bad)])
    assert caught.value.code == "lora_of_another_model"
    assert "'bad'" in caught.value.message
    assert torch.equal(before, transformer.get_submodule(LAYER).weight)


def test_files_that_are_no_plain_lora_are_told_so(tmp_path: Path, transformer: torch.nn.Module):
    layer = f"transformer.{LAYER}"
    dora = lora(
        tmp_path / "d.safetensors", layer, (32, 32), **{f"{layer}.dora_scale": torch.ones(32)}
    )
    half = tmp_path / "h.safetensors"
    save_file({f"{layer}.lora_A.weight": torch.ones(4, 32)}, half)
    for file, told in ((dora, "no part of a plain LoRA"), (half, "no other half")):
        with pytest.raises(EngineFailed, match=told) as caught:
            merge({"transformer": transformer}, [Lora("x", file)])
        assert caught.value.code == "lora_unreadable"


def test_a_file_is_taken_in_shown_named_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("RETAKE_MODELS_DIR", str(tmp_path / "models"))
    runner, loras = CliRunner(), Loras(tmp_path / "models")
    file = lora(tmp_path / "grain.safetensors", f"transformer.{LAYER}", (32, 32))
    assert runner.invoke(app, ["models", "add", str(file)]).exit_code == 0
    assert loras.names() == ("grain",)
    assert "LoRAs: grain" in runner.invoke(app, ["models", "list"]).stdout
    assert runner.invoke(app, ["models", "add", str(file)]).exit_code == 2
    assert runner.invoke(app, ["models", "add", str(file), "--name", "more"]).exit_code == 0
    os.truncate(file, 700)
    cut = runner.invoke(app, ["models", "add", str(file), "--name", "cut"])
    assert cut.exit_code == 4
    assert "cut off" in cut.stderr
    save_file({"weight": torch.ones(3)}, file)
    assert (
        "no LoRA's pairs" in runner.invoke(app, ["models", "add", str(file), "--name", "x"]).stderr
    )
    assert runner.invoke(app, ["models", "remove", "grain", "--yes"]).exit_code == 0
    assert loras.names() == ("more",)


@given(strength=st.floats(-4, 4), apart=st.sampled_from([",", ", ", " ", "\n"]))
def test_an_option_is_read_as_names_with_strengths(
    tmp_path_factory: pytest.TempPathFactory, strength: float, apart: str
):
    folder = tmp_path_factory.getbasetemp() / "read"
    for name in ("grain", "dolly-in"):
        if not (folder / "loras" / f"{name}.safetensors").exists():
            lora(folder / "loras" / f"{name}.safetensors", "transformer.x", (2, 2), 1)
    one, two = Loras(folder).read(f"grain:{strength!r}{apart}dolly-in")
    assert (one.name, one.strength, two.name, two.strength) == ("grain", strength, "dolly-in", 1.0)
    assert Loras(folder).read("") == ()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("nothing", "unknown_lora"),
        ("../secret", "unknown_lora"),
        ("/etc/passwd", "unknown_lora"),
        ("grain:strong", "option_out_of_range"),
        ("grain:nan", "option_out_of_range"),
        ("grain:4.1", "option_out_of_range"),
        ("grain grain", "option_out_of_range"),
        ("grain " * 9, "option_out_of_range"),
    ],
)
def test_an_option_that_names_no_lora_is_refused(tmp_path: Path, text: str, code: str):
    lora(tmp_path / "loras/grain.safetensors", "transformer.x", (2, 2), 1)
    lora(tmp_path / "secret.safetensors", "transformer.x", (2, 2), 1)
    with pytest.raises(BadRequest) as caught:
        Loras(tmp_path).read(text)
    assert caught.value.code == code
    assert caught.value.param == "options.loras"


def test_the_engine_loads_anew_for_other_loras_and_checks_their_names(
    ltx_folder: Path, tmp_path: Path, components: Components
):
    lora(tmp_path / "loras/grain.safetensors", f"transformer.{LAYER}", (32, 32))
    engine = LtxEngine(ltx_folder, "cpu", loras=Loras(tmp_path), usual_loras="grain:0.5")
    with pytest.raises(BadRequest, match="there are grain"):
        engine.check("A calm sea.", {"loras": "dolly"})
    engine.check("A calm sea.", {"loras": "grain"})
    plain = components.transformer.get_submodule(LAYER).weight

    def loaded(text: str) -> Tensor:
        studio = engine._studio(Loras(tmp_path).read(text))
        return studio.components.transformer.get_submodule(LAYER).weight

    engine.warm()
    usual = loaded("grain:0.5")
    down, up = halves(tmp_path / "loras/grain.safetensors")
    assert torch.allclose(usual, plain + 0.5 * up @ down, atol=1e-5)
    assert loaded("grain:0.5") is usual
    # Out again leaves nothing behind, to the last bit.
    assert torch.equal(loaded(""), plain)


def test_weights_loaded_with_a_lora_are_the_real_ones(ltx_folder: Path, tmp_path: Path):
    file = lora(tmp_path / "grain.safetensors", f"transformer.{LAYER}", (32, 32))
    half = load(ltx_folder, "cpu", torch.bfloat16)
    before = half.transformer.get_submodule(LAYER).weight.clone()
    merge({"transformer": half.transformer}, [Lora("grain", file)])
    down, up = halves(file)
    wanted = (before.float() + up @ down).to(torch.bfloat16)
    assert torch.equal(half.transformer.get_submodule(LAYER).weight, wanted)
