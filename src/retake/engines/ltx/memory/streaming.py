"""Streaming: a part's blocks are brought to the device one after the other as they are used.

diffusers' group offloading does it; on CUDA the next block travels on a stream of its own while the
one before it calculates. The numbers that come out are the same.
"""

from __future__ import annotations

import torch
from torch import nn

_HOOKS = ("group_offloading", "layer_execution_tracker", "lazy_prefetch_group_offloading")
HOST = torch.device("cpu")


def stream(part: nn.Module, device: torch.device, *, whole_blocks: bool) -> None:
    """Keep a part in the machine's memory and bring its pieces to `device` as they are called.

    Args:
        part: The module; it is called as before.
        device: Where it computes.
        whole_blocks: Bring block by block, where the blocks lie directly within the part; otherwise
            layer by layer.
    """
    from diffusers.hooks.group_offloading import apply_group_offloading

    apply_group_offloading(
        part,
        onload_device=device,
        offload_device=HOST,
        offload_type="block_level" if whole_blocks else "leaf_level",
        num_blocks_per_group=1 if whole_blocks else None,
        use_stream=device.type == "cuda",
        # Pinning everything in advance doubles what the machine's memory holds for a while.
        low_cpu_mem_usage=device.type == "cuda",
    )


def unstream(part: nn.Module) -> None:
    """Undo `stream`; the part stays where it lies, in the machine's memory."""
    from diffusers.hooks.hooks import HookRegistry

    registry = HookRegistry.check_if_exists_or_initialize(part)
    for hook in _HOOKS:
        registry.remove_hook(hook, recurse=True)
    part.to(HOST)
