"""Prompts are read as diffusers' pipeline reads them, once, and as far as they are read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from diffusers import LTX2Pipeline
from hypothesis import given, settings
from hypothesis import strategies as st

from retake.engines.ltx.components import Components
from retake.engines.ltx.text import Prompts, beyond, encode
from tests.ltx.tiny import PROMPT_TOKENS


def theirs(components: Components, text: str) -> tuple[torch.Tensor, ...]:
    names = ("transformer", "vae", "audio_vae", "vocoder", "connectors", "text_encoder")
    parts: dict[str, Any] = {name: getattr(components, name) for name in names}
    pipeline = LTX2Pipeline(**parts, tokenizer=components.tokenizer, scheduler=components.scheduler)
    with torch.no_grad():
        states, mask, _, _ = pipeline.encode_prompt(
            text,
            do_classifier_free_guidance=False,
            max_sequence_length=PROMPT_TOKENS,
            device=components.device,
        )
        return components.connectors(states, mask, padding_side="left")


@pytest.mark.parametrize(
    "text", ["a cat jumps", "", "  a cat\n", "Übung – 猫 🐈", "a wooden bench " * 20]
)
def test_embeddings_are_those_of_diffusers_own_pipeline(components: Components, text: str) -> None:
    ours = encode(text, components)
    for one, other in zip(
        (ours.video, ours.audio, ours.mask), theirs(components, text), strict=True
    ):
        assert torch.equal(one, other)


@settings(max_examples=30)
@given(st.text(max_size=90))
def test_what_was_read_and_what_was_not_make_up_the_prompt(
    components: Components, text: str
) -> None:
    whole = text.strip()
    unread = beyond(text, components)
    assert whole.endswith(unread)
    tokens = components.tokenizer(whole).input_ids
    assert bool(unread) == (len(tokens) > PROMPT_TOKENS)


def test_a_prompt_is_read_once_and_the_last_ones_are_remembered(components: Components) -> None:
    calls: list[int] = []
    hook = components.text_encoder.register_forward_hook(lambda *_: calls.append(1))
    prompts = Prompts()
    try:
        first = prompts.read("a cat", components)
        assert prompts.read(" a cat ", components) is first
        assert len(calls) == 1
        for number in range(16):
            prompts.read(f"cat {number}", components)
        prompts.read("a cat", components)
        assert len(calls) == 18
        prompts.forget()
        prompts.read("a cat", components)
        assert len(calls) == 19
    finally:
        hook.remove()


def test_one_row_of_logits_changes_no_hidden_state(components: Components) -> None:
    ids = components.tokenizer("a cat jumps", return_tensors="pt").input_ids
    with torch.no_grad():
        one, other = (
            components.text_encoder(input_ids=ids, output_hidden_states=True, **extra).hidden_states
            for extra in ({}, {"logits_to_keep": 1})
        )
    assert all(torch.equal(mine, their) for mine, their in zip(one, other, strict=True))


def test_the_limit_is_the_tokenizers_and_never_more_than_the_encoder_was_trained_with(
    components: Components,
) -> None:
    assert components.prompt_tokens == PROMPT_TOKENS

    class Endless:
        model_max_length = 10**30

    assert replace(components, tokenizer=Endless()).prompt_tokens == 1024
