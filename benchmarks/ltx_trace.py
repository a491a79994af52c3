"""Passing inputs through the model's classes on the meta device: bytes alive and operations done.

Nothing is computed there; every tensor has a size all the same. The largest sum of all that is
alive at one time is what a phase takes on a device, but for what `memory.sizes` calls allowances.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from retake.engines.ltx.memory.work import Work


@dataclass(frozen=True)
class Traced:
    """What one call would take: most bytes alive beside the weights, and operations."""

    bytes: int
    flops: float


class Live(TorchDispatchMode):
    """Keeps book of every storage that is alive."""

    def __init__(self, *weights: nn.Module) -> None:
        super().__init__()
        self.now = self.peak = 0
        self._seen: dict[int, int] = {}
        for module in weights:
            for one in (*module.parameters(), *module.buffers()):
                self._seen[one.untyped_storage()._cdata] = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        for one in tree_leaves(made):
            if isinstance(one, torch.Tensor):
                self._enter(one.untyped_storage())
        return made

    def _enter(self, storage: Any) -> None:
        key = storage._cdata
        if key not in self._seen:
            self._seen[key] = storage.nbytes()
            self.now += self._seen[key]
            self.peak = max(self.peak, self.now)
            weakref.finalize(storage, self._leave, key)

    def _leave(self, key: int) -> None:
        self.now -= self._seen.pop(key, 0)


class Attention(TorchFunctionMode):
    """Counts attention as the fused kernels do it: no matrix of all pairs is ever alive."""

    def __init__(self) -> None:
        super().__init__()
        self.flops = 0.0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is not nn.functional.scaled_dot_product_attention:
            return func(*args, **kwargs)
        query, key = (
            kwargs.get(name, args[n] if len(args) > n else None)
            for n, name in enumerate(("query", "key"))
        )
        batch, heads, tokens, width = query.shape
        self.flops += 4.0 * batch * heads * tokens * key.shape[2] * width
        return torch.empty_like(query)


def traced(call: Callable[[], Any], *weights: nn.Module) -> Traced:
    """Return what a call on the meta device takes."""
    counter, attention, live = FlopCounterMode(display=False), Attention(), Live(*weights)
    with torch.device("meta"), torch.no_grad(), attention, counter, live:
        call()
    return Traced(live.peak, counter.get_total_flops() + attention.flops)


def one_pass(transformer: Any, work: Work) -> Traced:
    """Return what one pass of the transformer takes, one prompt at a time."""
    config, tokens = transformer.config, work.video_tokens
    dtype = next(transformer.parameters()).dtype
    audio_width = config.audio_num_attention_heads * config.audio_attention_head_dim
    width = config.num_attention_heads * config.attention_head_dim

    def empty(*shape: int, kind: torch.dtype = torch.float32) -> torch.Tensor:
        return torch.empty(*shape, dtype=kind, device="meta")

    given = {
        "hidden_states": empty(1, tokens, config.in_channels, kind=dtype),
        "audio_hidden_states": empty(1, work.audio_latents, config.audio_in_channels, kind=dtype),
        "encoder_hidden_states": empty(1, work.prompt_tokens, width, kind=dtype),
        "audio_encoder_hidden_states": empty(1, work.prompt_tokens, audio_width, kind=dtype),
        "timestep": empty(1, tokens),
        "audio_timestep": empty(1, work.audio_latents),
        "sigma": empty(1),
        "audio_sigma": empty(1),
        "encoder_attention_mask": empty(1, work.prompt_tokens),
        "audio_encoder_attention_mask": empty(1, work.prompt_tokens),
        "num_frames": work.latent_frames,
        "height": work.height // 32,
        "width": work.width // 32,
        "fps": 24.0,
        "audio_num_frames": work.audio_latents,
        "video_coords": empty(1, 3, tokens, 2),
        "audio_coords": empty(1, 1, work.audio_latents, 2),
    }
    return traced(
        lambda: transformer(**given, use_cross_timestep=True, return_dict=False), transformer
    )


def decoding(vae: Any, work: Work) -> Traced:
    """Return what decoding a whole window takes."""
    shape = (work.latent_frames, work.height // 32, work.width // 32)
    dtype = next(vae.parameters()).dtype
    latents = torch.empty(1, vae.config.latent_channels, *shape, dtype=dtype, device="meta")
    return traced(lambda: vae.decode(latents, return_dict=False), vae)


def encoding(vae: Any, work: Work) -> Traced:
    """Return what encoding a whole window takes."""
    shape = (1, 3, work.frames, work.height, work.width)
    video = torch.empty(*shape, dtype=next(vae.parameters()).dtype, device="meta")
    return traced(lambda: vae.encode(video, return_dict=False), vae)


def connecting(connectors: Any, tokens: int) -> Traced:
    """Return what the connectors take for a prompt of so many tokens."""
    config = connectors.config
    dtype = next(connectors.parameters()).dtype
    width = config.caption_channels * config.text_proj_in_factor
    states = torch.empty(1, tokens, width, dtype=dtype, device="meta")
    mask = torch.ones(1, tokens, dtype=torch.long, device="meta")
    return traced(lambda: connectors(states, mask, padding_side="left"), connectors)


def sounding(audio_vae: Any, vocoder: Any, latents: int) -> Traced:
    """Return what audio VAE and vocoder take for so many latents."""
    bands = audio_vae.config.mel_bins // 4
    given = torch.empty(1, audio_vae.config.latent_channels, latents, bands, device="meta")
    return traced(
        lambda: vocoder(audio_vae.decode(given, return_dict=False)[0].float()), audio_vae, vocoder
    )
