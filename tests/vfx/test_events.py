"""What eyes and ears share: presence, ignition, lightning."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retake.engines.vfx.events import ignition, presence, strikes
from retake.engines.vfx.plan import Cue

_cues = st.builds(
    lambda start, length, strength: Cue("storm", 0.9, start, start + length, strength),
    st.floats(0, 10),
    st.floats(0.05, 21),
    st.floats(0, 1),
)


@given(_cues)
def test_a_lasting_effect_is_not_there_at_its_ends_and_fully_there_between(cue: Cue) -> None:
    middle = (cue.start_s + cue.end_s) / 2
    assert presence(cue, cue.start_s) == 0
    assert presence(cue, cue.end_s) == 0
    assert presence(cue, cue.start_s - 1) == 0
    assert presence(cue, cue.end_s + 1) == 0
    assert presence(cue, middle) == pytest.approx(1)


@given(_cues, st.floats(0, 1))
def test_presence_stays_between_nothing_and_all(cue: Cue, at: float) -> None:
    time_s = cue.start_s + at * (cue.end_s - cue.start_s)
    assert 0 <= presence(cue, time_s) <= 1 + 1e-9


@given(_cues, st.integers(0, 2**32 - 1))
def test_lightning_strikes_inside_the_cue_in_order_and_at_least_once(cue: Cue, seed: int) -> None:
    found = strikes(cue, seed)
    assert found
    assert [s.time_s for s in found] == sorted(s.time_s for s in found)
    for strike in found:
        assert cue.start_s < strike.time_s < cue.end_s
        assert 0 < strike.strength <= 1
        assert 0 <= strike.x <= 1
        assert 100 < strike.distance_m < 2000


@given(_cues, st.integers(0, 2**32 - 1))
def test_the_first_strike_is_the_nearest(cue: Cue, seed: int) -> None:
    distances = [s.distance_m for s in strikes(cue, seed)]
    assert distances[0] == min(distances)


def test_the_same_seed_gives_the_same_lightning_and_another_another() -> None:
    cue = Cue("storm", 0.9, 0, 10)
    assert strikes(cue, 3) == strikes(cue, 3)
    assert strikes(cue, 3) != strikes(cue, 4)


def test_an_empty_cue_has_no_lightning() -> None:
    assert strikes(Cue("storm", 0.9, 2, 2), 3) == ()


def test_the_first_strike_stands_where_it_was_asked_for() -> None:
    assert strikes(Cue("storm", 0.9, 0, 5, place=(0.21, 0.5)), 3)[0].x == 0.21


def test_an_explosion_leaves_the_sections_first_frames_alone() -> None:
    assert ignition(Cue("explosion", 0.9, 0, 5)) == pytest.approx(0.4)
    assert ignition(Cue("explosion", 0.9, 2, 5)) == 2
    assert 0 < ignition(Cue("explosion", 0.9, 0, 2)) < 0.4
