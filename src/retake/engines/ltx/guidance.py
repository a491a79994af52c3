"""Guidance: what the model says with and without prompt, attention and the other modality.

Up to four passes a step, combined as diffusers' LTX2Pipeline combines them, on predictions of the
clean latents: ``x + (cfg - 1)(x - negative) + stg (x - perturbed) + (modality - 1)(x - alone)``,
then scaled towards the spread of x (section 3.4 of arXiv:2305.08891).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import torch

STG_BLOCKS = {"2.0": (29,), "2.3": (28,), "2.5": (28,)}
"""Blocks whose self-attention the perturbed pass leaves out (diffusers' documented values)."""


class Pass(StrEnum):
    """One run of the transformer within a step."""

    PROMPT = "prompt"
    NEGATIVE = "negative"
    PERTURBED = "perturbed"
    ALONE = "alone"


@dataclass(frozen=True, slots=True)
class Scales:
    """How strongly one modality is guided; the defaults are no guidance."""

    cfg: float = 1.0
    stg: float = 0.0
    modality: float = 1.0
    rescale: float = 0.0


@dataclass(frozen=True, slots=True)
class Guidance:
    """How pictures and sound are guided.

    Attributes:
        video, audio: Scales of each.
        blocks: Numbers of the transformer blocks that the perturbed pass leaves attention out of.
        batched: Whether the prompt's and the negative prompt's pass are one batch of two.
    """

    video: Scales = Scales()
    audio: Scales = Scales()
    blocks: tuple[int, ...] = ()
    batched: bool = False

    @property
    def passes(self) -> tuple[Pass, ...]:
        """Which passes a step takes."""
        each = (self.video, self.audio)
        wanted = {
            Pass.PROMPT: True,
            Pass.NEGATIVE: any(scales.cfg > 1 for scales in each),
            Pass.PERTURBED: any(scales.stg > 0 for scales in each),
            Pass.ALONE: any(scales.modality > 1 for scales in each),
        }
        return tuple(name for name, is_wanted in wanted.items() if is_wanted)

    @property
    def needs_negative(self) -> bool:
        """Whether there is a pass with the negative prompt."""
        return Pass.NEGATIVE in self.passes


QUALITY_VIDEO = Scales(3.0, 1.0, 3.0, 0.7)
QUALITY_AUDIO = Scales(7.0, 1.0, 3.0, 0.7)
"""What diffusers' LTX2Pipeline takes for the full weights."""


def stg_blocks(family: str, count: int) -> tuple[int, ...]:
    """Return the blocks for the perturbed pass of a transformer of `count` blocks."""
    return tuple(min(block, count - 1) for block in STG_BLOCKS[family])


def combined(
    clean: dict[Pass, torch.Tensor], scales: Scales, made: torch.Tensor | None = None
) -> torch.Tensor:
    """Return the guided prediction of the clean latents.

    Args:
        clean: What each pass predicts, float32 ``[1, tokens, channels]``.
        scales: How strongly to guide.
        made: Which tokens are made, bool ``[tokens]``; the spread is measured on these alone. All
            when None.
    """
    x = clean[Pass.PROMPT]
    # The order of the terms is diffusers' own: sums of floats depend on it.
    guided = x
    terms: Sequence[tuple[Pass, float]] = (
        (Pass.NEGATIVE, scales.cfg - 1),
        (Pass.PERTURBED, scales.stg),
        (Pass.ALONE, scales.modality - 1),
    )
    for name, scale in terms:
        if name in clean:
            guided = guided + scale * (x - clean[name])
    if scales.rescale <= 0:
        return guided
    ratio = _spread(x, made) / _spread(guided, made)
    return scales.rescale * (guided * ratio) + (1 - scales.rescale) * guided


def _spread(x: torch.Tensor, made: torch.Tensor | None) -> torch.Tensor:
    """Return the standard deviation over tokens and channels; 1 where there is none to speak of.

    A modality that is wholly kept has none, and one token of one channel neither.
    """
    shown = x if made is None else x[:, made]
    if shown[0].numel() < 2:
        return torch.ones((1, 1, 1), device=x.device, dtype=x.dtype)
    return shown.std(dim=(1, 2), keepdim=True)
