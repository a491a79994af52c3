"""With everything masked the engine makes what diffusers' own LTX2Pipeline makes, step by step."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from diffusers import LTX2Pipeline

from retake.core.watch import Watch
from retake.engines.ltx.components import Components, load
from retake.engines.ltx.denoise import Side, denoise
from retake.engines.ltx.guidance import Guidance, Scales
from retake.engines.ltx.latents import Shape, draw
from retake.engines.ltx.sigmas import DISTILLED, distilled, shifted
from retake.engines.ltx.text import encode
from tests.ltx.tiny import AUDIO_CHANNELS, CHANNELS, save_tiny

SHAPE = Shape(frames=3, height=2, width=3, audio=18, fps=24.0)
PROMPT, NEGATIVE = "a cat jumps", "blurred"


@pytest.fixture(scope="module")
def pipeline(ltx_folder: Path) -> LTX2Pipeline:
    pipeline = LTX2Pipeline.from_pretrained(ltx_folder, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def theirs(pipeline: LTX2Pipeline, **given: object) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Return the latents behind every step of diffusers' own pipeline."""
    steps: list[tuple[torch.Tensor, torch.Tensor]] = []

    def noting(_pipeline: object, _number: int, _t: object, values: dict[str, torch.Tensor]):
        steps.append((values["latents"].clone(), values["audio_latents"].clone()))
        return {}

    pipeline._callback_tensor_inputs = ["latents", "audio_latents"]
    pipeline(
        prompt=PROMPT,
        negative_prompt=NEGATIVE,
        height=64,
        width=96,
        num_frames=17,
        frame_rate=24.0,
        generator=torch.Generator().manual_seed(7),
        max_sequence_length=64,
        output_type="latent",
        callback_on_step_end=noting,
        callback_on_step_end_tensor_inputs=["latents", "audio_latents"],
        **given,
    )
    return steps


def ours(
    components: Components, sigmas: tuple[float, ...], guidance: Guidance
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    noise = draw(SHAPE, CHANNELS, AUDIO_CHANNELS, 16, seed=7)
    video, audio = (
        Side(torch.zeros_like(one), one, torch.ones(one.shape[1], dtype=torch.bool))
        for one in noise
    )
    steps: list[tuple[torch.Tensor, torch.Tensor]] = []
    denoise(
        components.transformer,
        video,
        audio,
        SHAPE,
        encode(PROMPT, components),
        sigmas,
        guidance,
        watch=Watch(),
        negative=encode(NEGATIVE, components),
        cross_timestep=components.family != "2.0",
        step_done=lambda _number, x, y: steps.append((x, y)),
    )
    return steps


def largest_difference(one: list, other: list) -> float:
    assert len(one) == len(other)
    pairs = [pair for both in zip(one, other, strict=True) for pair in zip(*both, strict=True)]
    return max(float((mine - their).abs().max()) for mine, their in pairs)


def test_eight_distilled_steps(components: Components, pipeline: LTX2Pipeline) -> None:
    scheduler = pipeline.scheduler
    pipeline.scheduler = type(scheduler).from_config(
        scheduler.config, use_dynamic_shifting=False, shift_terminal=None
    )
    try:
        their = theirs(
            pipeline,
            sigmas=list(DISTILLED),
            num_inference_steps=8,
            guidance_scale=1.0,
            stg_scale=0.0,
            modality_scale=1.0,
            guidance_rescale=0.0,
            audio_guidance_scale=1.0,
            audio_stg_scale=0.0,
            audio_modality_scale=1.0,
            audio_guidance_rescale=0.0,
        )
    finally:
        pipeline.scheduler = scheduler
    mine = ours(components, distilled(), Guidance())
    assert largest_difference(mine, their) < 1e-5


@pytest.mark.parametrize("batched", [True, False])
def test_guided_steps_with_all_four_passes(
    components: Components, pipeline: LTX2Pipeline, batched: bool
) -> None:
    their = theirs(
        pipeline,
        num_inference_steps=6,
        spatio_temporal_guidance_blocks=[1],
    )
    guidance = Guidance(
        Scales(3.0, 1.0, 3.0, 0.7), Scales(7.0, 1.0, 3.0, 0.7), blocks=(1,), batched=batched
    )
    mine = ours(components, shifted(components.scheduler, 6, SHAPE.tokens), guidance)
    assert largest_difference(mine, their) < 1e-4


@pytest.mark.parametrize("family", ["2.0", "2.5"])
def test_guided_steps_of_the_other_families(family: str, tmp_path: Path) -> None:
    folder = save_tiny(tmp_path / family, family)
    pipeline = LTX2Pipeline.from_pretrained(folder, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    their = theirs(
        pipeline, num_inference_steps=4, stg_scale=0, audio_stg_scale=0,
        spatio_temporal_guidance_blocks=None, use_cross_timestep=family != "2.0",
    )  # fmt: skip
    components = load(folder, "cpu", torch.float32)
    guidance = Guidance(Scales(3.0, 0.0, 3.0, 0.7), Scales(7.0, 0.0, 3.0, 0.7))
    mine = ours(components, shifted(components.scheduler, 4, SHAPE.tokens), guidance)
    assert largest_difference(mine, their) < 1e-4
