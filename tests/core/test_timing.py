"""Exact time: which frames a range shows, how times are read, where sound is cut."""

from fractions import Fraction
from itertools import pairwise
from math import inf

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from retake.core.timing import FrameCount, FrameRange, frames_shown, parse_time, sample_at

gaps = st.lists(
    st.fractions(min_value=Fraction(1, 240), max_value=2, max_denominator=1001),
    min_size=1,
    max_size=60,
)


@st.composite
def frame_times(draw):
    time, times = Fraction(0), []
    for gap in draw(gaps):
        times.append(time)
        time += gap
    return times


@st.composite
def ranges(draw, times):
    """A start and an end, on a frame's own time as often as between two."""
    anywhere = st.fractions(min_value=0, max_value=int(times[-1]) + 1, max_denominator=1001)
    moment = st.sampled_from(times) | anywhere
    start, end = sorted((draw(moment), draw(moment)))
    assume(start < end)
    return start, end


@given(st.data(), frame_times())
def test_the_range_holds_exactly_the_frames_on_screen(data, times):
    start, end = data.draw(ranges(times))
    shown = frames_shown(times, start, end)
    for i, (on, off) in enumerate(pairwise([*times, inf])):
        assert (i in shown) == (on < end and start < off)


def test_a_section_that_starts_between_frames_opens_with_the_frame_before():
    times = [Fraction(n) for n in range(4)]
    assert frames_shown(times, Fraction(3, 2), Fraction(5, 2)) == FrameRange(1, 3)


def test_nothing_is_shown_before_the_first_frame():
    with pytest.raises(ValueError, match="no frame is shown"):
        frames_shown([Fraction(5)], Fraction(0), Fraction(1))


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2", Fraction(2)),
        ("2.5", Fraction(5, 2)),
        (".5", Fraction(1, 2)),
        ("0:02.500", Fraction(5, 2)),
        ("1:30", Fraction(90)),
        ("1:00:02", Fraction(3602)),
        ("48f", FrameCount(48)),
        ("-1", Fraction(-1)),
    ],
)
def test_times_are_read_as_seconds_clock_or_frames(text, time):
    assert parse_time(text) == time


@pytest.mark.parametrize("text", ["", "two", "1:2:3:4", "4.5f", "0x10", "1e3", "nan", "--1"])
def test_other_times_are_refused(text):
    with pytest.raises(ValueError, match="is not a time"):
        parse_time(text)


@given(
    st.fractions(min_value=-5, max_value=25, max_denominator=90000),
    st.sampled_from([8000, 44100, 48000, 192000]),
)
def test_sound_is_cut_at_the_nearest_sample(time, rate):
    sample = sample_at(time, rate)
    assert -Fraction(1, 2) < sample - time * rate <= Fraction(1, 2)
