"""Counting the parameters of loaded parts, where their numbers lie notwithstanding."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from retake.engines.ltx.memory.sizes import Sizes

BLOCKS = {
    "transformer": "transformer_blocks",
    "text_encoder": "layers",
}
"""Name of the list of blocks within each large part that has one."""


def parts_of(components: Any) -> dict[str, nn.Module]:
    """Return the modules of `Components` by the names that memory is planned with.

    The video VAE counts as two parts, because no phase needs both of its halves; the diffusion
    decoder of LTX-2.5 goes with the decoder.
    """
    vae = components.vae
    parts = {
        "transformer": components.transformer,
        "text_encoder": components.text_encoder,
        "connectors": components.connectors,
        "vae_encoder": vae.encoder,
        "vae_decoder": vae.decoder,
        "audio_vae": components.audio_vae,
        "vocoder": components.vocoder,
    }
    if components.upsampler is not None:
        parts["upsampler"] = components.upsampler
    if components.diffusion_decoder is not None:
        parts["vae_decoder"] = nn.ModuleList([vae.decoder, components.diffusion_decoder])
    return parts


def count(components: Any) -> Sizes:
    """Return the sizes of loaded parts."""
    parts = parts_of(components)
    parameters = {name: _parameters(part) for name, part in parts.items()}
    parameters.setdefault("upsampler", 0)
    outside: dict[str, int] = {}
    block: dict[str, int] = {}
    for name in ("transformer", "text_encoder", "connectors"):
        blocks = blocks_of(parts[name], name)
        within = sum(_parameters(one) for one in blocks)
        outside[name] = parameters[name] - within
        block[name] = max((_parameters(one) for one in blocks), default=0)
    return Sizes(parameters, outside, block, bytes_each=components.dtype.itemsize)


def blocks_of(part: nn.Module, name: str) -> list[nn.Module]:
    """Return the modules of a large part that are quantised and streamed.

    The transformer's and the text encoder's are their blocks; the connectors' all linear layers,
    the widest of which are no block's.
    """
    if name in BLOCKS:
        lists = [
            list(module)
            for path, module in part.named_modules()
            if path.rsplit(".", 1)[-1] == BLOCKS[name] and isinstance(module, nn.ModuleList)
        ]
        # A text encoder may have eyes and ears, whose blocks are smaller.
        return max(lists, key=lambda blocks: sum(map(_parameters, blocks)), default=[])
    return [module for module in part.modules() if isinstance(module, nn.Linear)]


def _parameters(module: nn.Module) -> int:
    return sum(one.numel() for one in module.parameters())


def bytes_of(module: nn.Module) -> int:
    """Return what a module's parameters and buffers take, each storage counted once."""
    held: dict[int, torch.UntypedStorage] = {}
    for one in (*module.parameters(), *module.buffers()):
        storage = one.untyped_storage()
        held[storage._cdata] = storage  # pyright: ignore[reportPrivateUsage]
    return sum(storage.nbytes() for storage in held.values())
