"""LoRAs put into a transformer's weights: W + strength * alpha / rank * B A.

Merged, they cost no time at each step, and what is done to weights afterwards (8-bit numbers,
streaming, compiling) knows nothing of them. Names in the original layout are translated by
diffusers' own loader. A model is loaded anew for other LoRAs: taking one out again by subtracting
would leave what was rounded away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from retake.core.errors import EngineFailed
from retake.engines.ltx.weights.loras import Lora, check_lora, unreadable

if TYPE_CHECKING:
    from pathlib import Path

_PARTS = ("transformer", "connectors")
_DOWN, _UP, _ALPHA = (".lora_A.", ".lora_down."), (".lora_B.", ".lora_up."), ".alpha"


def merge(
    parts: Mapping[str, nn.Module], loras: Sequence[Lora], device: torch.device | None = None
) -> int:
    """Put LoRAs into the weights of a model's parts, in order; return how many layers changed.

    All are looked through before the first weight is touched.

    Args:
        parts: The modules called ``transformer`` and ``connectors``.
        loras: What to put in.
        device: Where to multiply; where the weights lie when None.

    Raises:
        EngineFailed: A file is no LoRA (``lora_unreadable``), or one for other weights
            (``lora_of_another_model``).
    """
    read = [(lora, _pairs(lora.path)) for lora in loras]
    plans = [(lora, _matched(parts, lora.path, pairs)) for lora, pairs in read]
    for lora, plan in plans:
        for layer, (down, up, scale) in plan:
            _add(layer, down, up, lora.strength * scale, device)
    return len({id(layer) for _, plan in plans for layer, _ in plan})


Pair = tuple[Tensor, Tensor, float]
"""A (``[rank, in]``), B (``[out, rank]``) and alpha / rank."""


def _pairs(file: Path) -> dict[str, Pair]:
    """Return a LoRA's pairs by the layer that they change, in diffusers' names."""
    from diffusers.loaders.lora_pipeline import LTX2LoraLoaderMixin
    from safetensors.torch import load_file

    check_lora(file)
    tensors = load_file(file)
    others = [name for name in tensors if not _is_known(name)]
    if others:
        raise unreadable(file, f"it holds {others[0]!r}, which is no part of a plain LoRA")
    named: Any = LTX2LoraLoaderMixin.lora_state_dict(tensors)
    pairs: dict[str, Pair] = {}
    for name, down in named.items():
        for half, other in zip(_DOWN, _UP, strict=True):
            if half not in name:
                continue
            up = named.get(name.replace(half, other))
            if up is None or down.ndim != 2 or up.ndim != 2 or up.shape[1] != down.shape[0]:
                raise unreadable(file, f"{name!r} has no other half that matches")
            layer = name.split(half)[0]
            alpha = named.get(f"{layer}{_ALPHA}")
            scale = 1.0 if alpha is None else float(alpha) / down.shape[0]
            pairs[layer] = (down, up, scale)
    return pairs


def _is_known(name: str) -> bool:
    return name.endswith(_ALPHA) or any(half in name for half in (*_DOWN, *_UP))


def _matched(
    parts: Mapping[str, nn.Module], file: Path, pairs: dict[str, Pair]
) -> list[tuple[nn.Linear, Pair]]:
    """Return the layers that a LoRA changes, each with its pair.

    Raises:
        EngineFailed: One is not there or of another size.
    """
    found: list[tuple[nn.Linear, Pair]] = []
    lacking: list[str] = []
    for name, pair in pairs.items():
        layer = _layer(parts, name)
        if layer is None:
            lacking.append(name)
            continue
        wanted = (pair[1].shape[0], pair[0].shape[1])
        if tuple(layer.weight.shape) != wanted:
            sizes = "x".join(map(str, layer.weight.shape)), "x".join(map(str, wanted))
            raise _foreign(file, f"its {name} is for {sizes[1]} weights, here they are {sizes[0]}")
        found.append((layer, pair))
    if lacking:
        raise _foreign(
            file, f"{len(lacking)} of its {len(pairs)} layers are not in it, such as {lacking[0]}"
        )
    return found


def _layer(parts: Mapping[str, nn.Module], name: str) -> nn.Linear | None:
    part, _, path = name.partition(".")
    if part not in _PARTS or part not in parts:
        return None
    try:
        layer = parts[part].get_submodule(path)
    except AttributeError:
        return None
    return layer if isinstance(layer, nn.Linear) else None


def _foreign(file: Path, what: str) -> EngineFailed:
    return EngineFailed(
        "lora_of_another_model",
        f"the LoRA {file.stem!r} was made for another model than the loaded weights: {what}; "
        "leave it out of options.loras, or take the weights that it was trained with "
        "(`retake models list`)",
    )


@torch.no_grad()
def _add(
    layer: nn.Linear, down: Tensor, up: Tensor, scale: float, device: torch.device | None
) -> None:
    where = device or layer.weight.device
    more = up.to(where, torch.float32) @ down.to(where, torch.float32)
    more.mul_(scale).add_(layer.weight.to(where, torch.float32))
    layer.weight.copy_(more)
