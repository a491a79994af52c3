from __future__ import annotations

import torch
from torch import nn

from retake.engines.ltx.compiling import compile_blocks


class Blocks(nn.Module):
    """As many blocks as tracing takes no time for; the transformer's own take a minute of it."""

    def __init__(self) -> None:
        super().__init__()
        self.transformer_blocks = nn.ModuleList(nn.Linear(4, 4) for _ in range(2))

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        for block in self.transformer_blocks:
            given = block(given)
        return given


@torch.no_grad()
def test_compiled_blocks_give_the_same_and_hooks_around_them_still_run():
    torch.manual_seed(0)
    model, given = Blocks(), torch.randn(3, 4)
    before = model(given)
    assert compile_blocks(model, backend="eager") == 2
    seen: list[object] = []
    blocks = model.transformer_blocks
    hooks = [
        one.register_forward_pre_hook(lambda block, _given: seen.append(block)) for one in blocks
    ]
    assert torch.allclose(model(given), before, atol=1e-6)
    assert seen == list(blocks)
    for hook in hooks:
        hook.remove()
    assert torch.allclose(model(given), before, atol=1e-6)
    assert len(seen) == 2
