"""Enhancing a prompt by the text encoder's own language model, where a request asks for it.

What comes back is text that nobody has read: it is cleaned, limited, thrown away where it is of no
use, and told to the user. What the user has put between quotation marks is spoken as it stands, or
the prompt is left alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from retake.engines.ltx.components import Components

LONGEST = 1200
"""Characters of an enhanced prompt; it is cut behind a sentence."""

_MOST_TOKENS = 220
_FEWEST_WORDS = 5

_TASK = (
    "You describe scenes for a model that makes short videos with sound. Say the user's idea again "
    "as one paragraph of three to five plain sentences in the present tense: who or what is seen, "
    "what happens, the light, the camera, the sounds. Keep everything that the user says, and "
    "words in quotation marks exactly as they are. Add no story, no names, no list and no comment."
)
_QUOTED = re.compile(r'"([^"]*)"|“([^”]*)”')


def can_enhance(components: Components) -> bool:
    """Return whether the text encoder was trained to answer: up to LTX-2.3 it was."""
    return components.family != "2.5" and hasattr(components.text_encoder, "generate")


@torch.no_grad()
def enhance(
    prompt: str,
    components: Components,
    check: Callable[[], None],
    *,
    most_tokens: int = _MOST_TOKENS,
) -> str:
    """Return a prompt said at more length; the prompt itself where nothing useful came.

    The same prompt gives the same text: nothing is drawn by chance.

    Args:
        prompt: The user's.
        components: Their text encoder answers, on their device.
        check: Called before each word; what it raises ends the work.
        most_tokens: Tokens of the answer; None is about a hundred and fifty words.
    """
    from transformers import StoppingCriteriaList

    def look(_tokens: Any, _scores: Any, **_more: Any) -> torch.Tensor:
        check()
        return torch.zeros(1, dtype=torch.bool, device=components.device)

    tokenizer = components.tokenizer
    given = tokenizer(_asked(prompt, tokenizer), return_tensors="pt", add_special_tokens=False)
    said = components.text_encoder.generate(
        input_ids=given.input_ids.to(components.device),
        attention_mask=given.attention_mask.to(components.device),
        max_new_tokens=most_tokens or _MOST_TOKENS,
        do_sample=False,
        stopping_criteria=StoppingCriteriaList([look]),
        pad_token_id=tokenizer.pad_token_id,
    )
    answer = tokenizer.decode(said[0, given.input_ids.shape[1] :], skip_special_tokens=True)
    return useful(prompt, cleaned(answer))


def cleaned(text: str) -> str:
    """Return an answer as one paragraph of at most `LONGEST` characters."""
    plain = "".join(
        " " if one.isspace() else one
        for one in text
        if one.isspace() or unicodedata.category(one)[0] != "C"
    )
    plain = " ".join(re.sub(r"[*_#`]+", "", plain).split()).lstrip("-:–— ")
    if len(plain) > LONGEST:
        ends = [found.end() for found in re.finditer(r"[.!?][\"”]?(?= )", plain[:LONGEST])]
        plain = plain[: ends[-1]] if ends else plain[:LONGEST].rsplit(" ", 1)[0]
    return plain


def useful(prompt: str, answer: str) -> str:
    """Return the answer; the prompt where the answer is none, or changes what is to be spoken."""
    spoken = [first or second for first, second in _QUOTED.findall(prompt)]
    words = re.findall(r"[^\W\d_]{2,}", answer)
    if len(words) < _FEWEST_WORDS or not all(words_ in answer for words_ in spoken):
        return prompt
    return answer


def _asked(prompt: str, tokenizer: Any) -> str:
    if getattr(tokenizer, "chat_template", None):
        talk = [{"role": "system", "content": _TASK}, {"role": "user", "content": prompt}]
        return tokenizer.apply_chat_template(talk, tokenize=False, add_generation_prompt=True)
    return f"{_TASK}\n\n{prompt}\n\n"
