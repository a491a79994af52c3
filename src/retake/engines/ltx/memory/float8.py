"""Linear layers held as 8-bit floating-point numbers with a scale for each row.

diffusers' own layerwise casting stores the bare numbers in float8, whose smallest steps are as
large as many a weight of a wide layer; with the largest number of each row scaled to float8's
largest, the error is the same small one however small the weights are (decision 0017). Products are
computed in the type of what comes in: this saves memory, not time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

_STORED = torch.float8_e4m3fn
_LARGEST = torch.finfo(_STORED).max


class ScaledLinear(nn.Linear):
    """A linear layer whose weight is float8 ``[out, in]`` with a scale ``[out, 1]``.

    It stays an `nn.Linear`, so that whatever looks for linear layers finds it.
    """

    scale: nn.Parameter

    def __init__(self, of: nn.Linear) -> None:
        # The meta device: the numbers are put in place below, none is drawn for nothing.
        super().__init__(of.in_features, of.out_features, bias=_has_bias(of), device="meta")
        stored, scale = quantised(of.weight.detach())
        self.weight = nn.Parameter(stored, requires_grad=False)
        self.scale = nn.Parameter(scale, requires_grad=False)
        if _has_bias(of):
            self.bias = nn.Parameter(of.bias.detach(), requires_grad=False)
        self.train(of.training)

    def forward(self, input: Tensor) -> Tensor:
        """Return what the layer makes of `input` ``[..., in]``."""
        weight = self.weight.to(input.dtype) * self.scale.to(input.dtype)
        return linear(input, weight, self.bias)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:  # noqa: FBT001, FBT002
        # `module.to(bfloat16)` would make the numbers wide again and the scale coarse: only the
        # device is followed.
        def placed(tensor: Tensor) -> Tensor:
            moved = fn(tensor)
            return moved if moved.dtype == tensor.dtype else tensor.to(moved.device)

        return super()._apply(placed, recurse)


def _has_bias(layer: nn.Linear) -> bool:
    return "bias" in dict(layer.named_parameters(recurse=False))


def quantised(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return a weight ``[out, in]`` as float8 and the float32 scale ``[out, 1]`` of its rows."""
    wide = weight.float()
    scale = wide.abs().amax(dim=1, keepdim=True).clamp(min=1e-12) / _LARGEST
    return (wide / scale).clamp(-_LARGEST, _LARGEST).to(_STORED), scale


def quantise(modules: Iterable[nn.Module]) -> int:
    """Replace the linear layers within `modules` by scaled ones, and return how many."""
    done = 0
    for module in modules:
        for parent in list(module.modules()):
            done += sum(_replace(parent, name) for name in list(dict(parent.named_children())))
    return done


def _replace(parent: nn.Module, name: str) -> bool:
    child = getattr(parent, name)
    if type(child) is not nn.Linear:
        return False
    setattr(parent, name, ScaledLinear(child))
    return True
