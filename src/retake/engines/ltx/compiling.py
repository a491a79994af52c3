"""Compiling the transformer's blocks, which are all alike: one compilation serves all of them.

Optional: the first shot of every new size waits for it, minutes on a large model. What it gains was
not measured where this was written, since there was no GPU; `benchmarks/ltx.py --compile` does.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


def compile_blocks(transformer: Any, backend: str = "inductor") -> int:
    """Compile the blocks of a transformer in place, and return how many there are.

    A block's `forward` is compiled, not the block: hooks around it (a wish to cancel, the streaming
    of weights) run as before, outside of what is compiled.

    Args:
        transformer: diffusers' `LTX2VideoTransformer3DModel`.
        backend: torch's; ``eager`` traces without compiling.
    """
    blocks = list(transformer.transformer_blocks)
    for block in blocks:
        _compile(block, backend)
    return len(blocks)


def _compile(block: nn.Module, backend: str) -> None:
    # Windows of many lengths come: without this each would be compiled anew.
    block.forward = torch.compile(block.forward, backend=backend, dynamic=True)
