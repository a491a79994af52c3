"""A window in two stages: made at half of its size, doubled as latents, refined at full size.

Kept tokens of the second stage are the clean latents of the full size, as in one stage; those that
are made begin as the doubled ones, with noise of the first of `REFINE_SIGMAS`. The sound of the
first stage is refined along with the pictures, as in diffusers' two-stage example.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch.nn.functional import interpolate

from retake.engines.ltx.denoise import Side
from retake.engines.ltx.latents import Shape, draw, pack_video, unpack_video
from retake.engines.ltx.upscale import upsample

if TYPE_CHECKING:
    from retake.engines.ltx.components import Components
    from retake.engines.ltx.making import Given

FIRST_SHARE = 0.4
"""Share of the time that the first stage takes of both: eight steps of a quarter of the tokens,
before three of all."""

_OTHER_SEED = 500_001


def halved(given: Given) -> Given:
    """Return the same window at half of its width and height."""
    frames = given.video.transpose(0, 1)
    small = interpolate(frames, scale_factor=0.5, mode="bicubic", antialias=True).clamp(-1, 1)
    return replace(given, video=small.transpose(0, 1))


@torch.no_grad()
def doubled(
    sides: tuple[Side, Side],
    first: tuple[torch.Tensor, torch.Tensor],
    given: Given,
    small: Shape,
    components: Components,
) -> tuple[Side, Side]:
    """Return what the second stage begins with.

    Args:
        sides: Pictures and sound at full size, as a single stage would begin with.
        first: What the first stage made of both, as tokens.
        given: The window.
        small: How many latents the first stage had.
        components: The model's parts; the upsampler is on the device.
    """
    video, audio = sides
    vae: Any = components.vae
    audio_vae: Any = components.audio_vae
    latents = upsample(unpack_video(first[0], small, vae), components.upsampler)
    noise = draw(
        given.shape,
        video.clean.shape[2],
        int(audio_vae.config.latent_channels),
        audio_vae.config.mel_bins // audio_vae.mel_compression_ratio,
        given.seed + _OTHER_SEED,
    )
    device = video.clean.device
    return (
        replace(video, noise=noise[0].to(device), drawn=pack_video(latents, vae)),
        replace(audio, noise=noise[1].to(device), drawn=first[1]),
    )
