"""Prompts: text through the text encoder and the connectors, as diffusers' LTX2Pipeline does it.

The hidden states of every layer, stacked; the connectors make one prompt for pictures and one for
sound of them. Both stay on the device, by text, so that a prompt is read once.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from retake.engines.ltx.components import Components

_KEPT = 16


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the transformer reads: one row for each prompt.

    Attributes:
        video, audio: Embeddings ``[rows, tokens, channels]``.
        mask: 1 where a token counts, ``[rows, tokens]``.
    """

    video: torch.Tensor
    audio: torch.Tensor
    mask: torch.Tensor

    def with_(self, other: Prompt) -> Prompt:
        """Return both prompts as one batch, this one first."""
        return Prompt(
            torch.cat([self.video, other.video]),
            torch.cat([self.audio, other.audio]),
            torch.cat([self.mask, other.mask]),
        )


class Prompts:
    """Reads prompts, and remembers the last ones."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Prompt] = OrderedDict()

    def knows(self, text: str) -> bool:
        """Return whether a prompt has been read lately, so that no text encoder is needed."""
        return text.strip() in self._known

    def read(self, text: str, components: Components) -> Prompt:
        """Return a prompt's embeddings; what is beyond the text encoder's length does not count."""
        text = text.strip()
        if text not in self._known:
            self._known[text] = encode(text, components)
        self._known.move_to_end(text)
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return self._known[text]

    def forget(self) -> None:
        """Forget all of them, to free their memory."""
        self._known.clear()


@torch.no_grad()
def encode(text: str, components: Components) -> Prompt:
    """Return a prompt's embeddings in the components' dtype."""
    tokenizer, device = components.tokenizer, components.device
    tokenizer.padding_side = "left"
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    given = tokenizer(
        [text.strip()],
        padding="max_length",
        max_length=components.prompt_tokens,
        truncation=True,
        add_special_tokens=True,
        return_tensors="pt",
    )
    mask = given.attention_mask.to(device)
    # One row of logits instead of a gigabyte of them: only the hidden states are used.
    said = components.text_encoder(
        input_ids=given.input_ids.to(device),
        attention_mask=mask,
        output_hidden_states=True,
        logits_to_keep=1,
    )
    states = torch.stack(said.hidden_states, dim=-1).flatten(2, 3).to(components.dtype)
    video, audio, counted = components.connectors(states, mask, padding_side="left")
    return Prompt(video, audio, counted)


def beyond(text: str, components: Components) -> str:
    """Return what of a prompt is too long to be read; empty where all of it is.

    The text encoder's tokenizer has to give each token's place in the text, as fast ones do.
    """
    limit = components.prompt_tokens
    given = components.tokenizer(text.strip(), return_offsets_mapping=True)
    if len(given.input_ids) <= limit:
        return ""
    first_cut = given.offset_mapping[limit]
    return text.strip()[first_cut[0] :]
