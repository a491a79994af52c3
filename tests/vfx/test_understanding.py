"""A prompt becomes the plan that a person would have made of it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retake.core.request import Mode
from retake.engines.vfx.plan import SOUNDS, VISUALS, Cue, PromptPlan
from retake.engines.vfx.understand import understand
from tests.vfx.prompt_list import labelled

BOTH = Mode.AUDIO_AND_VIDEO
WORDS = [
    *("fire", "rain", "night", "explosion", "storm", "green", "no", "not", "without", "stops"),
    *("then", "and", "of", "to", "at", "the", "end", "left", "from", "after", "says", "🔥", "火"),
    *(",", ".", '"', "'", ":", "3", "two", "12.5", "0:07", "seconds", "s", "ünter"),
]


def plan_of(prompt: str, duration_s: float = 5.0, mode: Mode = BOTH) -> PromptPlan:
    return understand(prompt, duration_s, mode)


def only(prompt: str) -> Cue:
    plan = plan_of(prompt)
    assert len(plan.visuals) == 1, plan
    return plan.visuals[0]


@pytest.mark.parametrize("name", ["prompts.txt", "prompts_fresh.txt", "prompts_long.txt"])
def test_nine_of_ten_labelled_prompts_are_understood_exactly(name: str) -> None:
    wrong = [
        (prompt, sorted(want), sorted(got))
        for want, prompt in labelled(name)
        if (got := {cue.effect for cue in plan_of(prompt).visuals}) != want
    ]
    assert len(wrong) <= 0.1 * len(labelled(name)), wrong


def test_the_hosted_page_s_own_example_is_one_explosion_with_orange_flames() -> None:
    cue = only("A dramatic explosion with bright orange flames")
    assert cue.effect == "explosion"
    assert cue.strength > 0.6
    assert cue.colour is not None
    red, green, blue = cue.colour
    assert red > green > blue


@pytest.mark.parametrize(
    ("prompt", "effects"),
    [
        ("the car explodes and then the house burns", {"explosion", "fire"}),
        ("an explosion with smoke and flames", {"explosion"}),
        ("the car explodes, bright flames everywhere", {"explosion"}),
        ("Explosion. Lots of orange fire.", {"explosion"}),
        ("fire and explosions", {"fire", "explosion"}),
        ("a storm at night with heavy rain", {"storm", "night", "rain"}),
    ],
)
def test_flames_belong_to_the_explosion_unless_they_are_asked_for(
    prompt: str, effects: set[str]
) -> None:
    assert {cue.effect for cue in plan_of(prompt).visuals} == effects


@pytest.mark.parametrize(
    ("prompt", "colour"),
    [
        ("green fire", "green"),
        ("an explosion in purple", "purple"),
        ("a red car explodes", None),
        ("an explosion with black smoke", None),
        ("the flames are blue", "blue"),
        ("a woman in a red dress in the fog", None),
    ],
)
def test_a_colour_counts_only_for_what_it_stands_with(prompt: str, colour: str | None) -> None:
    found = only(prompt).colour
    strongest = {"green": 1, "blue": 2, "purple": 2}
    assert (found is None) == (colour is None)
    if found is not None and colour is not None:
        assert max(range(3), key=lambda channel: found[channel]) == strongest[colour]


@pytest.mark.parametrize(
    ("prompt", "start_s", "end_s"),
    [
        ("after two seconds it rains", 2, 5),
        ("After 2.5 s, an explosion", 2.5, 5),
        ("from 1 to 3 seconds dense fog", 1, 3),
        ("between 0:01 and 0:03 it snows", 1, 3),
        ("fire for two seconds", 0, 2),
        ("an explosion at the very end", 3, 5),
        ("lightning, halfway through", 2.5, 5),
        ("snow from two and a half to four seconds", 2.5, 4),
        ("an explosion after 4.9 seconds", 3.4, 5),
        ("a fire at the end of the road", 0, 5),
        ("smoke in the last two seconds", 3, 5),
    ],
)
def test_told_times_are_kept_as_far_as_the_section_allows(
    prompt: str, start_s: float, end_s: float
) -> None:
    cue = only(prompt)
    assert (cue.start_s, cue.end_s) == (start_s, end_s)


def test_what_follows_begins_later_and_weather_gives_way_to_weather() -> None:
    rain, snow = plan_of("first it rains, then heavy snow").visuals
    assert 0 == rain.start_s < snow.start_s < rain.end_s < snow.end_s == 5


def test_a_time_outside_the_section_is_told() -> None:
    plan = plan_of("an explosion after 9 seconds")
    assert plan.visuals[0].start_s == 0
    assert "ends at 5 s" in plan.ignored[0]


@pytest.mark.parametrize(
    ("prompt", "x", "y"),
    [
        ("a fire on the left", (0.1, 0.4), (0.5, 0.9)),
        ("an explosion in the lower right corner", (0.6, 0.9), (0.7, 1.0)),
        ("an explosion in the background", (0.4, 0.6), (0.3, 0.6)),
        ("fire in the sky", (0.4, 0.6), (0.0, 0.4)),
    ],
)
def test_a_place_is_where_it_is_told(
    prompt: str, x: tuple[float, float], y: tuple[float, float]
) -> None:
    place = only(prompt).place
    assert place is not None
    assert x[0] <= place[0] <= x[1]
    assert y[0] <= place[1] <= y[1]


@pytest.mark.parametrize(
    ("prompt", "sense"),
    [
        ("smoke drifts to the left", -1),
        ("fog rolls in from the left", 1),
        ("snow, blowing hard to the right", 1),
        ("rain", 0),
        ("drizzle, with wind from the right", -1),
    ],
)
def test_a_direction_is_the_one_on_screen(prompt: str, sense: int) -> None:
    direction = only(prompt).direction
    assert (direction > 0) - (direction < 0) == sense


def test_words_of_strength_are_heard() -> None:
    strengths = [
        only(prompt).strength
        for prompt in ("light rain", "rain", "heavy rain", "an apocalyptic downpour of rain")
    ]
    assert strengths == sorted(strengths)
    assert len(set(strengths)) == len(strengths)


@pytest.mark.parametrize(
    ("prompt", "effects"),
    [
        ("fire without any smoke", {"fire"}),
        ("no rain, no snow, no fog", set[str]()),
        ("storm, but no rain", {"storm"}),
        ("instead of rain it should snow", {"snow"}),
        ("it never stops raining", {"rain"}),
        ("without smoke, fog and rain", set[str]()),
        ("snow, no fire or smoke, dense fog", {"snow", "fog"}),
        ("not an explosion, just smoke", {"smoke"}),
    ],
)
def test_what_is_not_wanted_is_not_drawn(prompt: str, effects: set[str]) -> None:
    assert {cue.effect for cue in plan_of(prompt).visuals} == effects


def test_what_shall_stop_is_told_to_be_impossible() -> None:
    plan = plan_of("the fog lifts")
    assert not plan.visuals
    assert "cannot be taken away" in plan.ignored[0]


def test_slips_of_the_pen_are_forgiven_and_real_words_left_alone() -> None:
    assert only("a big exposion").effect == "explosion"
    assert only("thunderstrom and lightening").effect == "storm"
    assert not plan_of("the ruins of a violent empire").visuals


def test_what_cannot_be_done_is_said_in_the_prompt_s_words() -> None:
    plan = plan_of("A dog runs in, it snows, and confetti falls")
    assert [cue.effect for cue in plan.visuals] == ["snow"]
    assert any("a dog runs in" in part for part in plan.ignored)
    assert any("confetti" in part for part in plan.ignored)


def test_a_prompt_that_can_be_done_ignores_nothing() -> None:
    assert plan_of("Make it look like a cinematic thunderstorm, very dramatic").ignored == ()


@pytest.mark.parametrize(
    ("prompt", "text"),
    [
        ('The man says: "We have to leave now"', "We have to leave now"),
        ("She whispers “I can’t see you”", "I can’t see you"),
        ("a voice shouts 'run!' and a bomb explodes", "run!"),
        ("The narrator says: once upon a time", "once upon a time"),
    ],
)
def test_quotations_are_spoken(prompt: str, text: str) -> None:
    assert [line.text for line in plan_of(prompt).lines] == [text]


def test_words_inside_quotations_paint_nothing() -> None:
    assert not plan_of('He says "look, an explosion"').visuals


def test_lettering_is_not_spoken() -> None:
    plan = plan_of('a sign that reads "EXIT" in the fog')
    assert not plan.lines
    assert any("EXIT" in part for part in plan.ignored)


def test_lines_come_one_after_the_other() -> None:
    lines = plan_of('He says "hello there". She answers "good morning"').lines
    assert lines[0].start_s + 0.5 < lines[1].start_s


def test_a_kept_sound_gets_no_speech_and_a_kept_picture_no_effect() -> None:
    kept_sound = plan_of('rain, he says "hello"', mode=Mode.VIDEO)
    assert (kept_sound.sounds, kept_sound.lines) == ((), ())
    assert any("hello" in part for part in kept_sound.ignored)
    kept_picture = plan_of("rain", mode=Mode.AUDIO)
    assert kept_picture.visuals == ()
    assert [cue.effect for cue in kept_picture.sounds] == ["rain"]


def test_a_sound_alone_is_not_drawn() -> None:
    plan = plan_of("the sound of rain")
    assert not plan.visuals
    assert [cue.effect for cue in plan.sounds] == ["rain"]


def test_the_wish_about_the_source_s_sound_is_heard() -> None:
    assert plan_of("keep the original music, add rain").keep_sound is True
    assert plan_of("no music, only thunder").keep_sound is False
    assert plan_of("rain").keep_sound is None


def test_a_storm_sounds_from_the_very_cue_that_draws_it() -> None:
    plan = plan_of("a storm")
    assert plan.visuals[0] in plan.sounds


@given(
    text=st.one_of(
        st.text(max_size=200),
        st.lists(
            st.sampled_from(WORDS),
            max_size=30,
        ).map(" ".join),
    ),
    duration_s=st.floats(0.1, 21),
    mode=st.sampled_from(Mode),
)
@settings(max_examples=150, deadline=None)
def test_any_text_gives_a_plan_inside_the_section_and_always_the_same(
    text: str, duration_s: float, mode: Mode
) -> None:
    plan = understand(text, duration_s, mode)
    for cue in (*plan.visuals, *plan.sounds):
        assert cue.effect in (*VISUALS, *SOUNDS)
        assert 0 <= cue.start_s < cue.end_s <= duration_s + 1e-3
        assert 0 <= cue.score <= 1
        assert 0 < cue.strength <= 1
        assert -1 <= cue.direction <= 1
    assert all(0 <= line.start_s <= duration_s * 10 for line in plan.lines)
    assert plan == understand(text, duration_s, mode)
