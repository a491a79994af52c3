"""Recipes: presets, options and what the weights are made for; sigmas; guidance."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from hypothesis import given
from hypothesis import strategies as st

from retake.core.errors import BadRequest
from retake.engines.ltx.components import Components
from retake.engines.ltx.guidance import Guidance, Pass, Scales, combined
from retake.engines.ltx.info import INFO, Options, check_options
from retake.engines.ltx.recipe import NEGATIVE, recipe_for
from retake.engines.ltx.sigmas import DISTILLED, distilled, shifted
from tests.ltx.tiny import make_scheduler

ALL = (Pass.PROMPT, Pass.NEGATIVE, Pass.PERTURBED, Pass.ALONE)


def test_full_weights_take_thirty_guided_steps_and_distilled_ones_eight_plain(
    components: Components,
) -> None:
    full = recipe_for(Options(), components)
    assert (full.steps, full.fast, full.guidance.passes) == (30, False, ALL)
    assert full.negative == NEGATIVE
    fast = recipe_for(Options(), replace(components, distilled=True))
    assert (fast.steps, fast.fast, fast.guidance.passes) == (8, True, (Pass.PROMPT,))
    assert fast.sigmas(components, 100) == (*DISTILLED, 0.0)


@pytest.mark.parametrize(
    ("option", "passes"),
    [
        ({"guidance_scale": 2}, (Pass.PROMPT, Pass.NEGATIVE)),
        ({"audio_guidance_scale": 2}, (Pass.PROMPT, Pass.NEGATIVE)),
        ({"stg_scale": 1}, (Pass.PROMPT, Pass.PERTURBED)),
        ({"modality_scale": 2}, (Pass.PROMPT, Pass.ALONE)),
        ({"guidance_rescale": 0.5}, (Pass.PROMPT,)),
    ],
)
def test_each_kind_of_guidance_takes_its_own_pass(
    components: Components, option: dict[str, Any], passes: tuple[Pass, ...]
) -> None:
    options = check_options({"preset": "fast", **option})
    assert recipe_for(options, components).guidance.passes == passes


def test_guidance_can_be_taken_off_the_preset_quality(components: Components) -> None:
    options = {"guidance_scale": 1, "audio_guidance_scale": 1, "stg_scale": 0, "modality_scale": 1}
    recipe = recipe_for(check_options({"preset": "quality", **options}), components)
    assert recipe.guidance.passes == (Pass.PROMPT,)


@given(st.integers(1, 100))
def test_distilled_sigmas_fall_from_one_to_nothing(steps: int) -> None:
    sigmas = distilled(steps)
    assert len(sigmas) == steps + 1
    assert (sigmas[0], sigmas[-1]) == (1.0, 0.0)
    assert all(one > other for one, other in pairwise(sigmas))


@given(st.integers(2, 100), st.integers(1, 200_000) | st.sampled_from([1024, 4096, 6144, 44_880]))
def test_shifted_sigmas_are_those_of_the_formula(steps: int, tokens: int) -> None:
    sigmas = shifted(make_scheduler(distilled=False), steps, tokens)
    mu = 0.95 + (2.05 - 0.95) * (min(tokens, 16384) - 1024) / (4096 - 1024)
    even = [1 - number * (1 - 1 / steps) / (steps - 1) for number in range(steps)]
    # Time shift (arXiv:2403.03206), then stretched so that the last sigma is 0.1.
    moved = [math.exp(mu) / (math.exp(mu) + 1 / sigma - 1) for sigma in even]
    stretch = (1 - moved[-1]) / (1 - 0.1)
    assert sigmas == pytest.approx([*(1 - (1 - sigma) / stretch for sigma in moved), 0.0], abs=1e-4)
    assert all(one > other for one, other in pairwise(sigmas))


def test_a_single_step_goes_from_noise_to_nothing() -> None:
    assert shifted(make_scheduler(distilled=False), 1, 1000) == (1.0, 0.0)


def test_a_scheduler_that_does_not_shift_leaves_even_steps() -> None:
    plain = FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=False)
    assert shifted(plain, 4, 1000) == pytest.approx((1.0, 0.75, 0.5, 0.25, 0.0))


@given(st.floats(1, 10), st.floats(0, 2), st.floats(1, 5))
def test_guidance_without_a_difference_changes_nothing(cfg: float, stg: float, own: float) -> None:
    x = torch.randn(1, 6, 4, generator=torch.Generator().manual_seed(1))
    guided = combined(dict.fromkeys(ALL, x), Scales(cfg, stg, own, 0.0))
    assert torch.equal(guided, x)


def test_full_rescale_gives_the_unguided_spread_of_what_is_made() -> None:
    generator = torch.Generator().manual_seed(1)
    x, other = (torch.randn(1, 40, 4, generator=generator) for _ in range(2))
    made = torch.arange(40) % 3 > 0
    guided = combined({Pass.PROMPT: x, Pass.NEGATIVE: other}, Scales(5.0, rescale=1.0), made)
    assert float(guided[:, made].std()) == pytest.approx(float(x[:, made].std()), rel=1e-5)


def test_guidance_needs_the_negative_pass_for_either_modality() -> None:
    assert Guidance(Scales(), Scales(cfg=2.0)).needs_negative
    assert not Guidance(Scales(stg=1.0)).needs_negative


@pytest.mark.parametrize(
    "options",
    [
        {"colour": 1},
        {"preset": "slow"},
        {"preset": ["fast"]},
        {"decoder": "both"},
        {"num_inference_steps": 0},
        {"num_inference_steps": 101},
        {"num_inference_steps": 8.0},
        {"num_inference_steps": True},
        {"guidance_scale": float("nan")},
        {"guidance_scale": "3"},
        {"handle_s": -1},
        {"handle_s": 5.1},
        {"negative_prompt": 3},
        {"negative_prompt": "x" * 4001},
    ],
    ids=str,
)
def test_options_that_are_wrong_are_refused_by_name(options: dict[str, Any]) -> None:
    with pytest.raises(BadRequest) as caught:
        check_options(options)
    assert next(iter(options)) in caught.value.message
    assert caught.value.param == "options"


def test_every_parameter_is_explained() -> None:
    page = (Path(__file__).parents[2] / "docs" / "ltx.md").read_text("utf-8")
    assert not [
        one.name
        for one in INFO.parameters
        if f"| `{one.name}`" not in page and f", `{one.name}` |" not in page
    ]


def test_every_parameter_is_an_option_and_its_default_is_what_is_taken() -> None:
    for parameter in INFO.parameters:
        assert hasattr(Options(), parameter.name)
        for value in (parameter.min_value, parameter.max_value, *(parameter.options or ())):
            if value is not None:
                check_options({parameter.name: value})
    assert check_options({}) == Options()
    assert check_options({parameter.name: None for parameter in INFO.parameters}) == Options()
