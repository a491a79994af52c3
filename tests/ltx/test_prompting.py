from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retake.engines.ltx.engine import LtxEngine
from retake.engines.ltx.prompting.check import check
from retake.engines.ltx.prompting.rewrite import suggest

GOOD = (
    "A red car drives through heavy rain at night. Water splashes from the wheels, thunder rolls.",
    'An old woman looks up from her book, smiles and says, "Remove your hat, please."',
    "A set table stands in a garden; people around it laugh, and the camera moves slowly closer.",
    "Waves break on black rocks under a low sun, wind, gulls far away.",
)

AGAIN = {
    "make it rain": "It is raining.",
    "Make it night": "It is night.",
    "let it snow": "It is snowing.",
    "make it look like winter": "It looks like winter.",
    "please make the sky red": "The sky is red.",
    "add a dog": "There is a dog.",
    "add some birds in the sky": "There are some birds in the sky.",
    "add fire to the building": "There is fire at the building.",
    "replace the car with a red truck": "There is a red truck.",
    "change the car to blue": "The car is blue.",
    "turn the dog into a cat": "There is a cat.",
    "have the man wave at the camera": "The man waves at the camera.",
    "let her smile": "She smiles.",
    "let the people dance": "The people dance.",
    "make the man turn around instead of walking": "The man turns around.",
    "I want to see a big explosion in the video": "A big explosion.",
    "give the man a hat": "The man has a hat.",
    "Make it darker. Add thunder.": "It is darker. There is thunder.",
    "the man says hello there": 'The man says, "Hello there."',
}


@pytest.mark.parametrize("prompt", GOOD)
def test_a_description_is_left_alone(prompt: str):
    assert check(prompt) == ()
    assert suggest(prompt) is None


@pytest.mark.parametrize(("prompt", "said"), AGAIN.items())
def test_a_command_is_said_again_as_a_description(prompt: str, said: str):
    assert suggest(prompt) == said
    warnings = " ".join(check(prompt))
    assert said in warnings or "talks about the film" in warnings


@pytest.mark.parametrize("prompt", AGAIN.values())
def test_what_was_said_again_needs_no_further_saying(prompt: str):
    assert suggest(prompt) is None
    assert not any("command" in one for one in check(prompt))


@pytest.mark.parametrize("prompt", ["remove the car", "Please erase the man in the background."])
def test_taking_something_away_is_refused_a_suggestion_and_explained(prompt: str):
    assert suggest(prompt) is None
    assert "negative_prompt" in check(prompt)[0]


@pytest.mark.parametrize(
    ("prompt", "part"),
    [
        ("", "empty"),
        ("explosion", "1 word."),
        ("a dog " * 200, "400 words"),
        ("Ein Mann geht über die Straße und es ist dunkel", "German"),
        ("Un homme marche dans la rue et il ne parle pas", "French"),
        ("Человек идёт по улице в темноте", "Latin script"),
        ("一个男人走在街上", "Latin script"),
        ("A woman at the window says that she is late for work", "quotation marks"),
        ("A street at night with no people and a single lamp", "what is not there"),
        ("The same as before, but the original car drives faster", "talks about the film"),
    ],
)
def test_each_fault_is_named(prompt: str, part: str):
    assert any(part in one for one in check(prompt)), check(prompt)


def test_what_is_spoken_may_be_a_command_and_of_any_language():
    assert (
        check('A man in a dark suit shouts across the yard, "Nimm das weg und mach es aus!"') == ()
    )


@given(st.text(max_size=200))
def test_no_text_breaks_the_check_or_the_rewriter(prompt: str):
    said = suggest(prompt)
    assert said is None or said.strip()
    assert check(prompt) == check(prompt)


@given(st.lists(st.sampled_from([*AGAIN, *GOOD, "remove it", "and", '"', "instead"]), max_size=6))
def test_no_joining_of_prompts_breaks_them(prompts: list[str]):
    check(". ".join(prompts))
    suggest(" ".join(prompts))


def test_a_take_tells_what_was_odd_about_its_prompt(ltx_folder: Path):
    from tests.ltx.shots import make_shot

    engine = LtxEngine(ltx_folder, "cpu")
    shot = make_shot(
        size=(32, 32), section=9, prompt="remove the car", options={"num_inference_steps": 1}
    )
    assert any("negative_prompt" in note for note in engine.make(shot).notes)
