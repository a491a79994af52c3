"""Latents of twice the size: the stage behind a first pass at half of the working size.

The upsampler (diffusers' `LTX2LatentUpsamplerModel`) works on latents as the video encoder gives
them, not on normalised ones. What comes out lacks detail, so that a few steps follow, from the
sigma at which the distilled model begins its second stage (diffusers 0.42.1,
``pipelines/ltx2/utils.py``). Tokens that are kept are not taken from here: they are the clean
latents of the full size.
"""

from __future__ import annotations

from typing import Any

import torch

from retake.core.errors import EngineFailed
from retake.engines.ltx.size import WorkingSize

REFINE_SIGMAS = (0.909375, 0.725, 0.421875, 0.0)
"""Sigmas of the steps behind the upsampler: the section's tokens start as noise of the first."""

_PAYS_FROM_TOKENS = 1024


def pays(size: WorkingSize) -> bool:
    """Return whether a first pass at half of the size saves more than the second stage costs.

    A pass at half of the size has a quarter of the tokens. Below a megapixel the transformer's time
    is short beside loading and decoding, and half of the size shows the model too little.
    """
    return size.half() is not None and size.tokens >= _PAYS_FROM_TOKENS


@torch.no_grad()
def upsample(latents: torch.Tensor, upsampler: Any) -> torch.Tensor:
    """Return latents of twice the width and height, ``[1, C, F, 2h, 2w]``.

    Args:
        latents: As the video encoder gives them, not normalised, ``[1, C, F, h, w]``.
        upsampler: An `LTX2LatentUpsamplerModel` that doubles both sides.

    Raises:
        EngineFailed: It does something else (``weights_unknown``).
    """
    made = upsampler(latents.to(upsampler.dtype)).to(latents.dtype)
    batch, channels, frames, height, width = latents.shape
    if made.shape != (batch, channels, frames, 2 * height, 2 * width):
        raise EngineFailed(
            "weights_unknown",
            f"the latent_upsampler makes {tuple(made.shape)} of {tuple(latents.shape)}; accepted "
            "is one that doubles width and height",
        )
    return made
