"""Any frame rate comes to the model's grid and back: exact ends, in order, within the section."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retake.core.timing import FrameRange
from retake.engines.ltx.rate import MODEL_RATES, Mix, is_same_rate, mixed, model_rate, plan_grid

NATIVE = [*MODEL_RATES, *(rate * Fraction(1000, 1001) for rate in MODEL_RATES)]
Shot = tuple[list[Fraction], FrameRange, Fraction]


def even(rate: Fraction, frames: int, first: int) -> list[Fraction]:
    return [(at - first) / rate for at in range(frames)]


@st.composite
def shots(draw: st.DrawFn) -> Shot:
    """Return times of any spacing with a section somewhere in them, and their mean rate."""
    count = draw(st.integers(2, 60))
    steps = draw(st.lists(st.integers(1, 400), min_size=count - 1, max_size=count - 1))
    if draw(st.booleans()):
        steps = [draw(st.integers(8, 300))] * (count - 1)
    first = draw(st.integers(0, count - 1))
    section = FrameRange(first, draw(st.integers(first + 1, count)))
    ticks = [sum(steps[:at]) for at in range(count)]
    times = [Fraction(tick - ticks[first], 1000) for tick in ticks]
    return times, section, (count - 1) / (times[-1] - times[0])


@pytest.mark.parametrize("rate", NATIVE)
def test_a_rate_that_the_model_knows_is_taken_frame_by_frame(rate: Fraction) -> None:
    grid = plan_grid(even(rate, 96, 24), FrameRange(24, 72), rate)
    assert (grid.exact, grid.rate, grid.frames, grid.section) == (
        True, rate, 96, FrameRange(24, 72),
    )  # fmt: skip
    assert [grid.taken(k) for k in range(96)] == [Mix(k, k, Fraction(0)) for k in range(96)]
    assert [grid.shown(n).first for n in range(48)] == list(range(24, 72))


def test_a_phone_s_jitter_is_no_other_rate() -> None:
    times = even(Fraction(30), 90, 30)
    shaken = [time + Fraction(at % 3 - 1, 1000) for at, time in enumerate(times)]
    shaken[30] = Fraction(0)
    assert plan_grid(shaken, FrameRange(30, 60), Fraction(30)).exact


@pytest.mark.parametrize(
    ("source", "model"),
    [(8, 24), (10, 30), (12, 24), (15, 30), (20, 24), (27, 25), (28, 30), (48, 60), (50, 60),
     (120, 60), (240, 60)],
)  # fmt: skip
def test_every_other_rate_has_a_nearby_one(source: int, model: int) -> None:
    assert model_rate(Fraction(source)) == model


def test_a_slow_source_s_frames_come_back_unblended() -> None:
    grid = plan_grid(even(Fraction(15), 45, 15), FrameRange(15, 30), Fraction(15))
    assert is_same_rate(Fraction(30), grid.rate)
    assert {grid.shown(n).weight for n in range(15)} == {Fraction(0)}


@given(shots())
def test_the_section_s_ends_are_exact_and_its_times_ascend_within_it(shot: Shot) -> None:
    times, section, frame_rate = shot
    grid = plan_grid(times, section, frame_rate)
    shown = [grid.shown(n) for n in range(len(section))]
    assert (shown[0].first, shown[0].weight) == (grid.section.start, 0)
    assert shown[-1].first + shown[-1].weight == grid.section.end - 1
    at = [mix.first + (mix.second - mix.first) * mix.weight for mix in shown]
    assert at == sorted(at)
    assert all(mix.first in grid.section and mix.second in grid.section for mix in shown)
    # Where a frame is shown, the model's picture of that moment is shown, to an eighth of a frame.
    for place, time in zip(at, times[section.start : section.end], strict=True):
        meant = grid.section.start + (time - times[section.start]) * grid.rate
        assert grid.exact or abs(place - meant) <= Fraction(1, 8)


@given(shots())
def test_the_model_s_frames_are_made_of_what_is_shown_then(shot: Shot) -> None:
    times, section, frame_rate = shot
    grid = plan_grid(times, section, frame_rate)
    assert grid.time_of(grid.section.start) == times[section.start]
    assert grid.time_of(grid.section.end - 1) == times[section.end - 1]
    assert grid.time_of(0) >= times[0]
    assert grid.time_of(grid.frames - 1) <= times[-1]
    taken = [grid.taken(k) for k in range(grid.frames)]
    assert [mix.first for mix in taken] == sorted(mix.first for mix in taken)
    for k, mix in enumerate(taken):
        span = times[mix.second] - times[mix.first]
        if grid.exact or not span:
            near = abs(times[mix.first] - grid.time_of(k))
            around = times[max(mix.first - 1, 0)], times[min(mix.first + 1, len(times) - 1)]
            assert near <= max(around[1] - around[0], Fraction(0)) / 8 + Fraction(1, 10**9)
        else:
            assert times[mix.first] < grid.time_of(k) < times[mix.second]


@given(shots())
def test_even_motion_stays_even(shot: Shot) -> None:
    """Pictures whose brightness grows with time come back as bright as their own time."""
    times, section, frame_rate = shot
    grid = plan_grid(times, section, frame_rate)
    scale = 50000 / float(max(times[-1] - times[0], Fraction(1, 1000)))

    def picture(time: Fraction) -> np.ndarray:
        return np.full((1, 1, 3), (float(time - times[0])) * scale, np.uint16)

    made = ((k, picture(grid.time_of(k))) for k in range(grid.frames))
    shown = list(mixed(made, (grid.shown(n) for n in range(len(section)))))
    most = 1 + (0 if grid.exact else scale / float(grid.rate) / 8)
    for frame, time in zip(shown, times[section.start : section.end], strict=True):
        assert abs(float(frame[0, 0, 0]) - float(picture(time)[0, 0, 0])) <= most


def test_a_frame_that_has_gone_by_is_told() -> None:
    frames = ((n, np.zeros((1, 1, 3), np.uint8)) for n in range(3))
    with pytest.raises(ValueError, match="frame 3 is wanted"):
        list(mixed(frames, [Mix(0, 1, Fraction(1, 2)), Mix(3, 3, Fraction(0))]))


def test_a_frame_before_the_first_one_that_comes_is_told() -> None:
    frames = ((n, np.zeros((1, 1, 3), np.uint8)) for n in range(2, 9))
    with pytest.raises(ValueError, match="frame 1 is wanted"):
        list(mixed(frames, [Mix(1, 2, Fraction(1, 2))]))


def test_a_section_outside_the_shot_is_refused() -> None:
    with pytest.raises(ValueError, match="does not lie within"):
        plan_grid([Fraction(0)], FrameRange(0, 2), Fraction(24))
