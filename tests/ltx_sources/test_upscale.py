"""Latents of twice the size: what diffusers' own pipeline makes of them."""

from __future__ import annotations

from collections.abc import Generator

import pytest
import torch
from diffusers.pipelines.ltx2.latent_upsampler import LTX2LatentUpsamplerModel
from diffusers.pipelines.ltx2.pipeline_ltx2_latent_upsample import LTX2LatentUpsamplePipeline
from diffusers.pipelines.ltx2.utils import STAGE_2_DISTILLED_SIGMA_VALUES

from retake.core.errors import EngineFailed
from retake.engines.ltx.latents import Shape, unpack_video
from retake.engines.ltx.size import choose_size
from retake.engines.ltx.upscale import REFINE_SIGMAS, pays, upsample
from tests.ltx.tiny import make_vae


@pytest.fixture(autouse=True)
def _one_thread() -> Generator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def tiny_upsampler() -> LTX2LatentUpsamplerModel:
    torch.manual_seed(4)
    return LTX2LatentUpsamplerModel(in_channels=8, mid_channels=32, num_blocks_per_stage=1).eval()


def test_latents_are_what_diffusers_own_pipeline_makes_of_them() -> None:
    torch.manual_seed(1)
    vae, upsampler = make_vae().eval(), tiny_upsampler()
    # Statistics that do something; the tiny ones are 0 and 1.
    vae.latents_mean = torch.linspace(-1, 1, 8)
    vae.latents_std = torch.linspace(0.5, 2, 8)
    shape = Shape(3, 2, 3, 1, 24)
    tokens = torch.randn(1, 18, 8)
    normalised = tokens.transpose(1, 2).unflatten(2, (3, 2, 3))
    theirs = LTX2LatentUpsamplePipeline(vae, upsampler)(
        latents=normalised, latents_normalized=True, height=64, width=96, num_frames=17,
        output_type="latent", return_dict=False,
    )[0]  # fmt: skip
    ours = upsample(unpack_video(tokens, shape, vae), upsampler)
    assert ours.shape == (1, 8, 3, 4, 6)
    assert torch.allclose(ours, theirs, atol=1e-5)


def test_the_second_stage_s_steps_are_diffusers_own() -> None:
    assert (*STAGE_2_DISTILLED_SIGMA_VALUES, 0.0) == REFINE_SIGMAS


def test_an_upsampler_of_another_kind_is_told() -> None:
    torch.manual_seed(1)
    later = LTX2LatentUpsamplerModel(
        in_channels=8, mid_channels=32, num_blocks_per_stage=1,
        spatial_upsample=False, temporal_upsample=True,
    )  # fmt: skip
    with pytest.raises(EngineFailed, match="doubles width and height") as caught:
        upsample(torch.zeros(1, 8, 2, 2, 2), later)
    assert caught.value.code == "weights_unknown"


def test_doubling_pays_for_large_canvases_only() -> None:
    assert pays(choose_size(1920, 1080, max_tokens=9999, cell=64))
    assert not pays(choose_size(768, 512, max_tokens=9999, cell=64))
    assert not pays(choose_size(1920, 1080, max_tokens=1000))
