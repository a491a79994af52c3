"""The device: what it is, what it holds, and what to say when that is not enough."""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch

from retake.core.errors import EngineFailed
from retake.engines.ltx.memory.data_sheets import promised_flops
from retake.engines.ltx.memory.ladder import least_bytes
from retake.engines.ltx.memory.sizes import GIB, Sizes
from retake.engines.ltx.memory.work import Work

_USABLE = 0.97


@dataclass(frozen=True, slots=True)
class Card:
    """A device as it was found.

    Attributes:
        device: Where to compute.
        name: What the driver calls it; ``cpu`` for a processor.
        total: Bytes it has.
        free: Bytes that are neither used by others nor by tensors of this process.
    """

    device: torch.device
    name: str
    total: int
    free: int

    @property
    def usable(self) -> int:
        """Bytes to plan with, whatever others hold at the moment: the same plan every time."""
        return int(self.total * _USABLE)

    @property
    def flops(self) -> float | None:
        """Operations a second of its data sheet; None where it is not known."""
        return promised_flops(self.name)


def read_card(device: str | torch.device | None = None) -> Card:
    """Return what is known of a device.

    Args:
        device: ``cuda``, ``cuda:1``, ``cpu``; None takes a GPU where there is one.

    Raises:
        EngineFailed: There is no such GPU, or its driver cannot be used (``no_gpu``).
    """
    chosen = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    if chosen.type != "cuda":
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return Card(chosen, chosen.type, total, total)
    try:
        free, total = torch.cuda.mem_get_info(chosen)
        own = torch.cuda.memory_reserved(chosen) - torch.cuda.memory_allocated(chosen)
        return Card(chosen, torch.cuda.get_device_name(chosen), total, free + own)
    except (RuntimeError, AssertionError) as error:
        raise EngineFailed(
            "no_gpu",
            f"the device {chosen} cannot be used ({str(error).splitlines()[0][:120]}); "
            "`nvidia-smi` shows the cards and the driver, `retake doctor` what would fit",
        ) from error


def too_small(card: Card, work: Work, sizes: Sizes) -> EngineFailed:
    """Return the error for a card that does not hold the work however it is done."""
    if card.device.type == "cpu":
        return EngineFailed(
            "no_gpu",
            f"these weights have {sizes.total / 1e9:.0f} billion parameters and there is no GPU; "
            "`retake edit --engine vfx` needs none, `retake doctor` says what a card has to have",
        )
    return EngineFailed(
        "card_too_small",
        f"{card.name} has {card.total / GIB:.0f} GiB, and a window of {work.frames} frames needs "
        f"{least_bytes(work, sizes) / GIB:.1f} GiB at the smallest size; take a shorter section, "
        "or `retake edit --engine vfx`; `retake doctor` says what fits",
    )
