"""Sigmas: how noisy the latents are before each denoising step, and behind the last one: 0."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, cast

import numpy as np

if TYPE_CHECKING:
    import torch
    from diffusers.schedulers.scheduling_flow_match_euler_discrete import (
        FlowMatchEulerDiscreteScheduler,
    )

DISTILLED = (1.0, 0.99375, 0.9875, 0.98125, 0.975, 0.909375, 0.725, 0.421875)
"""What the distilled weights were trained at (diffusers 0.42.1, ``pipelines/ltx2/utils.py``)."""


MOST_SHIFTING = 16_384
"""Tokens beyond which sigmas are shifted no further: about the largest size in diffusers' examples,
1216x704 of 121 frames. The line through the scheduler's numbers has no end, and at 1080p and seven
seconds all sigmas but the last would be so near to 1 that float32 does not tell them apart."""


def distilled(steps: int | None = None) -> tuple[float, ...]:
    """Return the distilled weights' sigmas, ending with 0.

    Args:
        steps: How many are wanted; others than eight are drawn from the line through the eight and
            0, which keeps their slow beginning.
    """
    line = (*DISTILLED, 0.0)
    if steps is None or steps == len(DISTILLED):
        return line
    at = np.linspace(0, len(DISTILLED), steps + 1)
    return tuple(float(value) for value in np.interp(at, range(len(line)), line))


def shifted(
    scheduler: FlowMatchEulerDiscreteScheduler, steps: int, tokens: int
) -> tuple[float, ...]:
    """Return the full weights' sigmas, ending with 0, as diffusers' LTX2Pipeline computes them.

    Evenly spaced from 1 to 1/`steps`, shifted towards noise the more tokens there are, stretched so
    that the last one is the scheduler's terminal value. The numbers are the scheduler's own. Two
    things are ours: more tokens than `MOST_SHIFTING` shift no further, and a single step goes from
    1 to 0, where diffusers 0.42.1 divides by nothing.

    Args:
        scheduler: Of the weights.
        steps: At least 1.
        tokens: Video tokens of the window.
    """
    if steps == 1:
        return 1.0, 0.0
    config = scheduler.config
    base, most = config["base_image_seq_len"], config["max_image_seq_len"]
    slope = (config["max_shift"] - config["base_shift"]) / (most - base)
    # Added up in diffusers' order, so that the last bit is the same.
    mu = min(tokens, MOST_SHIFTING) * slope + (config["base_shift"] - slope * base)
    own = copy.deepcopy(scheduler)
    even = [float(sigma) for sigma in np.linspace(1.0, 1 / steps, steps)]
    own.set_timesteps(sigmas=even, mu=mu)
    return tuple(cast("torch.Tensor", own.sigmas).tolist())
