from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retake.core.errors import BadRequest, Cancelled
from retake.engines.ltx.components import Components
from retake.engines.ltx.info import check_options
from retake.engines.ltx.memory.attempts import Memory
from retake.engines.ltx.memory.card import read_card
from retake.engines.ltx.prompting.enhance import (
    LONGEST,
    can_enhance,
    cleaned,
    enhance,
    useful,
)
from retake.engines.ltx.studio import Studio
from tests.ltx.shots import make_shot


def nothing() -> None:
    return


def test_tiny_weights_answer_the_same_every_time_and_what_is_of_no_use_is_thrown_away(
    components: Components,
):
    first, again = (enhance("a cat", components, nothing, most_tokens=12) for _ in range(2))
    assert first == again
    # Twelve random bytes are no description.
    assert first == "a cat"
    assert can_enhance(components)
    assert not can_enhance(replace(components, family="2.5"))


def test_cancelling_takes_effect_between_two_words(components: Components):
    asked: list[int] = []

    def check() -> None:
        asked.append(1)
        if len(asked) == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        enhance("a cat", components, check, most_tokens=12)
    assert len(asked) == 3


def test_an_answer_is_used_unless_it_changes_what_is_spoken():
    longer = 'A man in a hat looks up and says, "Good morning." Birds sing.'
    assert useful('He says "Good morning."', longer) == longer
    assert useful('He says "Good evening."', longer) == 'He says "Good evening."'
    assert useful("a man", longer) == longer
    assert useful("a man", "Ok.") == "a man"


def test_an_answer_becomes_one_paragraph_without_marks():
    assert (
        cleaned("**Scene:**\n- A dog\u200b runs.\x00\n\nIt barks.")
        == "Scene: - A dog runs. It barks."
    )
    long = cleaned("A dog runs over the grass. " * 100)
    assert long.endswith("grass.")
    assert LONGEST - 60 < len(long) <= LONGEST


@given(st.text(max_size=3000))
def test_no_answer_breaks_the_cleaning(text: str):
    plain = cleaned(text)
    assert len(plain) <= LONGEST
    assert not any(unicodedata.category(one).startswith("C") for one in plain)
    assert isinstance(useful("a man", plain), str)


def test_a_talk_is_put_as_the_tokenizer_s_own_template_wants_it(components: Components):
    seen: list[Any] = []

    class Talking:
        chat_template = "yes"

        def __getattr__(self, name: str) -> Any:
            return getattr(components.tokenizer, name)

        def __call__(self, *words: Any, **named: Any) -> Any:
            return components.tokenizer(*words, **named)

        def apply_chat_template(self, talk: Any, **_named: Any) -> str:
            seen.extend(talk)
            return "a talk"

    enhance("a cat", replace(components, tokenizer=Talking()), nothing, most_tokens=2)
    assert [one["role"] for one in seen] == ["system", "user"]
    assert seen[1]["content"] == "a cat"


@pytest.mark.parametrize("useful_one", [True, False])
def test_a_take_tells_what_was_made_of_its_prompt(
    components: Components, monkeypatch: pytest.MonkeyPatch, useful_one: bool
):
    """Random weights never answer anything useful, so an answer is put in their place."""
    said = "A grey cat sits on a wall in the evening sun and purrs."
    if useful_one:
        monkeypatch.setattr("retake.engines.ltx.prompting.enhance.cleaned", lambda _text: said)
    monkeypatch.setattr("retake.engines.ltx.prompting.enhance._MOST_TOKENS", 4)
    studio = Studio(components, Memory(components, read_card("cpu")))
    options = {"enhance_prompt": True, "num_inference_steps": 1}
    shot = make_shot(size=(32, 32), section=9, prompt="a cat", options=options)
    notes = studio.take(shot, check_options(options)).notes
    expected = f"The prompt was enhanced: {said}" if useful_one else "nothing useful came"
    assert any(expected in note for note in notes)


def test_the_option_is_true_or_false():
    with pytest.raises(BadRequest, match="enhance_prompt"):
        check_options({"enhance_prompt": "yes"})
