"""Encoding and decoding: pictures and features to latents and back.

Encoders give the middle of their distribution, not a draw from it: what is kept is the same every
time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from retake.engines.ltx.latents import Shape, pack_audio, pack_video, unpack_audio, unpack_video
from retake.engines.ltx.memory.tiled import decoded, encoded
from retake.engines.ltx.patches import quiet_flex_attention
from retake.engines.ltx.window import CELL

if TYPE_CHECKING:
    from retake.engines.ltx.components import Components
    from retake.engines.ltx.memory.configuration import Tiles


@torch.no_grad()
def encode_video(
    video: torch.Tensor, components: Components, tiles: Tiles | None, check: Callable[[], None]
) -> torch.Tensor:
    """Return pictures as normalised tokens on the device, float32 ``[1, FHW, C]``.

    Args:
        video: float32 ``[3, 8k + 1, H, W]`` in -1..1; H and W are multiples of 32.
        components: The model's parts.
        tiles: What the VAE takes at once; None is everything.
        check: Called before each tile; what it raises ends the work.
    """
    vae, device = components.vae, components.device

    def one(piece: torch.Tensor) -> torch.Tensor:
        return _mode(vae.encode(piece.to(device, vae.dtype)))

    latents = encoded(one, video[None], tiles, check)
    return pack_video(latents.to(device), vae)


@torch.no_grad()
def decode_video(
    tokens: torch.Tensor,
    shape: Shape,
    components: Components,
    tiles: Tiles | None,
    check: Callable[[], None],
    noise: int | None = None,
) -> Iterator[torch.Tensor]:
    """Yield the pictures in runs, float32 ``[3, n, H, W]`` on the CPU, about -1..1.

    Args:
        tokens: Normalised, ``[1, FHW, C]``.
        shape: How many latents there are.
        components: The model's parts.
        tiles: What the VAE takes at once; None is everything.
        check: Called before each tile; what it raises ends the work.
        noise: Have LTX-2.5's diffusion decoder do it, which begins with noise of this seed. Windows
            for which `diffusion_decodes` says no are left to the VAE.
    """
    vae, decoder = components.vae, components.diffusion_decoder
    diffusing = noise is not None and diffusion_decodes(components, shape)

    def one(piece: torch.Tensor) -> torch.Tensor:
        if not diffusing or noise is None:
            return vae.decode(piece.to(vae.dtype), return_dict=False)[0]
        generator = torch.Generator("cpu").manual_seed(noise)
        with quiet_flex_attention():
            given = piece.to(decoder.dtype)
            return decoder.decode(given, generator=generator, return_dict=False)[0]

    yield from decoded(one, unpack_video(tokens, shape, vae), tiles, check)


def diffusion_decodes(components: Components, shape: Shape) -> bool:
    """Return whether there is a diffusion decoder that takes a window of this shape.

    Its attention looks at a neighbourhood, and refuses anything smaller than that.
    """
    decoder = components.diffusion_decoder
    if decoder is None:
        return False
    _, height, width = decoder.config.decoder_stage_kernels[0]
    frames = decoder.config.decoder_stage5_kernel[0]
    pictures = (shape.frames - 1) * CELL + 1
    return shape.height >= height and shape.width >= width and pictures >= frames


@torch.no_grad()
def encode_audio(
    features: NDArray[np.float32], latents: int, components: Components
) -> torch.Tensor:
    """Return features as normalised tokens on the device, float32 ``[1, latents, CM]``.

    Args:
        features: Log-mel ``[2, frames, 64]``. What is missing for so many latents repeats the last
            frame; what is too much is left out.
        latents: How many are wanted.
        components: The model's parts.
    """
    vae = components.audio_vae
    ratio = int(vae.temporal_compression_ratio)
    wanted = (latents - 1) * ratio + 1
    missing = max(wanted - features.shape[1], 0)
    whole = np.pad(features[:, :wanted], ((0, 0), (0, missing), (0, 0)), mode="edge")
    given = torch.from_numpy(whole)[None].to(components.device, vae.dtype)
    return pack_audio(_mode(vae.encode(given)), vae)


@torch.no_grad()
def decode_audio(tokens: torch.Tensor, components: Components) -> tuple[NDArray[np.float32], int]:
    """Return the sound of normalised tokens, float32 ``[2, samples]``, and its rate."""
    vae, vocoder = components.audio_vae, components.vocoder
    features = vae.decode(unpack_audio(tokens, vae).to(vae.dtype), return_dict=False)[0]
    sound = vocoder(features.float())[0]
    return sound.to("cpu", torch.float32).numpy(), int(vocoder.config.output_sampling_rate)


def _mode(given: Any) -> torch.Tensor:
    return given.latent_dist.mode()
