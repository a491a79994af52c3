"""Latents as the transformer takes them: normalised, one token a row, with their place in time.

Pictures: ``[1, C, F, H, W]`` of the video VAE are ``F x H x W`` tokens of C numbers. Sound:
``[1, C, L, M]`` of the audio VAE are L tokens of C x M numbers. Both normalised by the mean and
deviation that come with the weights (diffusers' `LTX2Pipeline`, ``_normalize_latents`` and
``_normalize_audio_latents``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True, slots=True)
class Shape:
    """How many latents there are.

    Attributes:
        frames, height, width: Of the pictures.
        audio: Of the sound.
        fps: Frames a second of the pictures before encoding, as the model is told.
    """

    frames: int
    height: int
    width: int
    audio: int
    fps: float

    @property
    def tokens(self) -> int:
        """Tokens of the pictures."""
        return self.frames * self.height * self.width


def pack_video(latents: torch.Tensor, vae: Any) -> torch.Tensor:
    """Return the VAE's latents ``[1, C, F, H, W]`` as normalised tokens, ``[1, FHW, C]``."""
    mean, scale = _video_statistics(vae, latents.device)
    return ((latents.float() - mean) / scale).flatten(2).transpose(1, 2)


def unpack_video(tokens: torch.Tensor, shape: Shape, vae: Any) -> torch.Tensor:
    """Return normalised tokens as the VAE's latents, float32 ``[1, C, F, H, W]``."""
    mean, scale = _video_statistics(vae, tokens.device)
    grid = tokens.transpose(1, 2).unflatten(2, (shape.frames, shape.height, shape.width))
    return grid * scale + mean


def pack_audio(latents: torch.Tensor, vae: Any) -> torch.Tensor:
    """Return the audio VAE's latents ``[1, C, L, M]`` as normalised tokens, ``[1, L, CM]``."""
    mean, deviation = _audio_statistics(vae, latents.device)
    return (latents.float().transpose(1, 2).flatten(2) - mean) / deviation


def unpack_audio(tokens: torch.Tensor, vae: Any) -> torch.Tensor:
    """Return normalised tokens as the audio VAE's latents, float32 ``[1, C, L, M]``."""
    mean, deviation = _audio_statistics(vae, tokens.device)
    channels = int(vae.config.latent_channels)
    return (tokens * deviation + mean).unflatten(2, (channels, -1)).transpose(1, 2)


def draw(
    shape: Shape, video_channels: int, audio_channels: int, bands: int, seed: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return noise for pictures and sound, as tokens on the CPU.

    It is drawn on the CPU in diffusers' order and shapes, so that one seed means one noise whatever
    computes with it.

    Args:
        shape: How many latents there are.
        video_channels: Numbers of a video token.
        audio_channels: Channels of the audio VAE's latents.
        bands: Their height, M.
        seed: Draws it.
    """
    generator = torch.Generator("cpu").manual_seed(seed)
    grid = (1, video_channels, shape.frames, shape.height, shape.width)
    video = torch.randn(grid, generator=generator, dtype=torch.float32)
    audio = torch.randn((1, audio_channels, shape.audio, bands), generator=generator)
    return video.flatten(2).transpose(1, 2), audio.transpose(1, 2).flatten(2)


def _video_statistics(vae: Any, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    mean = vae.latents_mean.to(device, torch.float32).view(1, -1, 1, 1, 1)
    scale = vae.latents_std.to(device, torch.float32).view(1, -1, 1, 1, 1)
    return mean, scale / float(vae.config.scaling_factor)


def _audio_statistics(vae: Any, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    return vae.latents_mean.to(device, torch.float32), vae.latents_std.to(device, torch.float32)
