"""What a device reaches: matrix products and memory, measured in the run that uses the figures."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Rates:
    """What the device reached.

    Attributes:
        flops: Operations a second of large products of matrices, in the type that is computed in.
        bandwidth: Bytes a second read and written by copying.
    """

    flops: float
    bandwidth: float


def describe_device(device: torch.device) -> str:
    """Return a line about the device and what drives it."""
    if device.type != "cuda":
        load = f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
        return f"{device.type}, {load}, torch {torch.__version__}"
    properties = torch.cuda.get_device_properties(device)
    return (
        f"{properties.name}, {properties.total_memory / 2**30:.1f} GiB, "
        f"torch {torch.__version__}, CUDA {torch.version.cuda}"
    )


def settle(device: torch.device) -> None:
    """Wait until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def measure_rates(device: torch.device, *, tiny: bool) -> Rates:
    """Return the best of several rounds of products and copies."""
    side, megabytes = (256, 8) if tiny else (8192, 2048)
    dtype = torch.float32 if device.type == "cpu" else torch.bfloat16
    left, right = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    product = _best(lambda: left @ right, device)
    block = torch.empty(megabytes << 20, dtype=torch.uint8, device=device)
    target = torch.empty_like(block)
    copy = _best(lambda: target.copy_(block), device)
    return Rates(2.0 * side**3 / product, 2.0 * block.numel() / copy)


def _best(call: Callable[[], object], device: torch.device, rounds: int = 5) -> float:
    call()
    best = float("inf")
    for _ in range(rounds):
        settle(device)
        before = time.perf_counter()
        for _ in range(10):
            call()
        settle(device)
        best = min(best, (time.perf_counter() - before) / 10)
    return best
