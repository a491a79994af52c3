"""Loading: what was saved comes back to the bit; what is missing, foreign or damaged is named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from retake.core.errors import EngineFailed
from retake.engines.ltx.components import Components, load
from tests.ltx.tiny import make_transformer, save_tiny

PARTS = ("transformer", "vae", "audio_vae", "vocoder", "connectors", "text_encoder")


def test_saved_and_loaded_weights_are_the_same_to_the_bit(
    components: Components, tmp_path: Path
) -> None:
    for name in PARTS:
        getattr(components, name).save_pretrained(tmp_path / name)
    components.tokenizer.save_pretrained(tmp_path / "tokenizer")
    components.scheduler.save_pretrained(tmp_path / "scheduler")
    index = {name: ["any", type(getattr(components, name)).__name__] for name in PARTS}
    index["scheduler"] = ["diffusers", "FlowMatchEulerDiscreteScheduler"]
    (tmp_path / "model_index.json").write_text(json.dumps(index))
    again = load(tmp_path, "cpu", torch.float32)
    for name in PARTS:
        one, other = (getattr(each, name).state_dict() for each in (components, again))
        assert one.keys() == other.keys()
        assert all(torch.equal(one[key], other[key]) for key in one), name
        assert not getattr(again, name).training
    assert again.tokenizer("a cat").input_ids == components.tokenizer("a cat").input_ids


def test_the_same_tiny_weights_are_written_every_time(ltx_folder: Path, tmp_path: Path) -> None:
    again = save_tiny(tmp_path / "again")
    name = "transformer/diffusion_pytorch_model.safetensors"
    assert (again / name).read_bytes() == (ltx_folder / name).read_bytes()


def test_half_precision_leaves_the_vocoder_as_it_is(ltx_folder: Path) -> None:
    loaded = load(ltx_folder, "cpu", torch.bfloat16)
    kinds = {name: {one.dtype for one in getattr(loaded, name).parameters()} for name in PARTS}
    assert kinds.pop("vocoder") == {torch.float32}
    assert set(map(tuple, kinds.values())) == {(torch.bfloat16,)}


def lost_index(folder: Path) -> None:
    (folder / "model_index.json").unlink()


def index_is_a_list(folder: Path) -> None:
    (folder / "model_index.json").write_text("[]")


def lost_part(folder: Path) -> None:
    shutil.rmtree(folder / "vae")


def lost_tokenizer(folder: Path) -> None:
    shutil.rmtree(folder / "tokenizer")


def foreign_class(folder: Path) -> None:
    index = json.loads((folder / "model_index.json").read_text())
    index["transformer"] = ["diffusers", "FluxTransformer2DModel"]
    (folder / "model_index.json").write_text(json.dumps(index))


def cut_off(folder: Path) -> None:
    path = folder / "transformer" / "diffusion_pytorch_model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])


def other_width(folder: Path) -> None:
    config = json.loads((folder / "transformer" / "config.json").read_text())
    (folder / "transformer" / "config.json").write_text(json.dumps(config | {"num_layers": 3}))


def no_config(folder: Path) -> None:
    (folder / "audio_vae" / "config.json").write_text("{")


@pytest.mark.parametrize(
    ("spoil", "code", "named"),
    [
        (lost_index, "weights_missing", "model_index.json"),
        (index_is_a_list, "weights_missing", "transformer"),
        (lost_part, "weights_missing", "vae"),
        (lost_tokenizer, "weights_unreadable", "tokenizer"),
        (foreign_class, "weights_unknown", "FluxTransformer2DModel"),
        (cut_off, "weights_unreadable", "transformer"),
        (other_width, "weights_unreadable", "transformer"),
        (no_config, "weights_unreadable", "audio_vae"),
    ],
)
def test_what_cannot_be_loaded_is_named(
    ltx_folder: Path, tmp_path: Path, spoil: Callable[[Path], None], code: str, named: str
) -> None:
    folder = Path(shutil.copytree(ltx_folder, tmp_path / "spoilt"))
    spoil(folder)
    with pytest.raises(EngineFailed) as caught:
        load(folder, "cpu", torch.float32)
    assert caught.value.code == code
    assert named in caught.value.message
    assert str(tmp_path) not in caught.value.message


def test_a_later_transformer_tells_itself_apart() -> None:
    assert make_transformer("2.5").config["use_prompt_adaln_single"] is False
