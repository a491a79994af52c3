"""LTX-2.0 and 2.5 beside 2.3: what differs is read from the folder, and takes come of all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from retake.engines.ltx.coding import decode_video, diffusion_decodes
from retake.engines.ltx.components import Components, load
from retake.engines.ltx.info import check_options
from retake.engines.ltx.latents import Shape, unpack_video
from retake.engines.ltx.memory.attempts import Memory
from retake.engines.ltx.memory.card import read_card
from retake.engines.ltx.studio import Studio
from retake.engines.ltx.text import encode
from tests.ltx.shots import make_shot
from tests.ltx.test_text import theirs as as_diffusers_reads
from tests.ltx.tiny import CHANNELS, save_tiny

CPU = torch.device("cpu")


@pytest.fixture(scope="module", params=["2.0", "2.5"])
def other(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Components:
    folder: Path = tmp_path_factory.mktemp("weights") / "other"
    return load(
        save_tiny(folder, request.param, distilled=request.param == "2.5"), "cpu", torch.float32
    )


def test_the_family_and_what_the_weights_are_made_for_are_read_from_the_folder(
    other: Components, components: Components
) -> None:
    assert components.family == "2.3"
    assert not components.distilled
    assert other.family in {"2.0", "2.5"}
    assert other.distilled == (other.family == "2.5")
    assert (other.diffusion_decoder is not None) == (other.family == "2.5")


def test_prompts_are_read_as_diffusers_own_pipeline_reads_them(other: Components) -> None:
    ours = encode("a cat jumps", other)
    for one, their in zip(
        (ours.video, ours.audio, ours.mask), as_diffusers_reads(other, "a cat jumps"), strict=True
    ):
        assert torch.equal(one, their)


@pytest.mark.parametrize("preset", ["fast", "quality"])
def test_takes_come_of_every_family(other: Components, preset: str) -> None:
    studio = Studio(other, Memory(other, read_card("cpu")))
    shot = make_shot(section=9, options={"preset": preset, "num_inference_steps": 2})
    take = studio.take(shot, check_options(shot.options))
    assert take.frames is not None
    assert np.array(list(take.frames)).shape == (9, 64, 96, 3)
    assert take.sound is not None
    assert take.sound.samples.shape == (2, shot.sound_samples)


def test_the_diffusion_decoder_decodes_where_there_is_one_and_it_is_asked_for(
    other: Components,
) -> None:
    shape = Shape(frames=2, height=2, width=2, audio=1, fps=24.0)
    assert diffusion_decodes(other, shape) == (other.family == "2.5")
    # Its attention takes no fewer frames than it looks at.
    assert not diffusion_decodes(other, Shape(frames=1, height=2, width=2, audio=1, fps=24.0))
    tokens = torch.randn(1, shape.tokens, CHANNELS, generator=torch.Generator().manual_seed(1))
    made = {
        noise: torch.cat(list(decode_video(tokens, shape, other, None, lambda: None, noise)), dim=1)
        for noise in (None, 4, 5)
    }
    assert all(one.shape == (3, 9, 64, 64) for one in made.values())
    if other.diffusion_decoder is None:
        assert torch.equal(made[None], made[4])
        return
    assert not torch.equal(made[4], made[5])
    latents = unpack_video(tokens, shape, other.vae)
    with torch.no_grad():
        generator = torch.Generator().manual_seed(4)
        their = other.diffusion_decoder.decode(latents, generator=generator, return_dict=False)[0]
    assert torch.equal(made[4], their[0])
