"""Windows on the grid of 8k + 1 frames, for any section, any handles and any room."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retake.core.errors import EngineFailed
from retake.engines.ltx.window import (
    CELL,
    LEAST_ROOM,
    OVERLAP,
    Window,
    frames_within,
    plan_windows,
)

sections = st.integers(1, 1300)
handles = st.integers(0, 80) | st.sampled_from([0, 1, 7, 8, 9, 24, 25])
rooms = st.integers(LEAST_ROOM, 1300) | st.sampled_from([LEAST_ROOM, 41, 49, 121])


def planned(section: int, before: int, after: int, handle: int, room: int) -> tuple[Window, ...]:
    return plan_windows(section, before, after, handle=handle, room=room)


@given(sections, handles, handles, handles, rooms)
def test_windows_lie_on_the_grid_and_within_the_room(
    section: int, before: int, after: int, handle: int, room: int
) -> None:
    for window in planned(section, before, after, handle, room):
        assert window.count % CELL == 1
        assert window.count <= room
        assert window.latents * CELL - (CELL - 1) == window.count


@given(sections, handles, handles, handles, rooms)
def test_what_the_windows_make_is_the_section_without_gap_or_overlap(
    section: int, before: int, after: int, handle: int, room: int
) -> None:
    at = 0
    for window in planned(section, before, after, handle, room):
        assert window.made.start == at
        assert window.made.end > at
        assert window.start <= window.made.start
        assert window.made.end <= window.start + window.count
        at = window.made.end
    assert at == section


@given(sections, handles, handles, handles, rooms)
def test_what_a_window_keeps_is_the_source_outside_the_section_or_made_before(
    section: int, before: int, after: int, handle: int, room: int
) -> None:
    for window in planned(section, before, after, handle, room):
        for own in range(window.count):
            frame = window.start + own
            exists = -before <= frame < section + after
            known = (frame < window.made.start or frame >= section) and exists
            if window.keeps(own):
                assert known
            if window.made.start <= frame < window.made.end:
                assert not window.keeps(own)
        assert window.start >= -before


@given(sections, handles, handles, handles, rooms)
def test_a_further_window_begins_with_frames_that_were_made(
    section: int, before: int, after: int, handle: int, room: int
) -> None:
    windows = planned(section, before, after, handle, room)
    for window in windows[1:]:
        assert window.opens == OVERLAP
        assert window.start >= 0
        assert window.opens % CELL == 1


@given(sections, handles, handles, handles, rooms)
def test_what_is_made_begins_with_a_latent_where_anything_stands_before_it(
    section: int, before: int, after: int, handle: int, room: int
) -> None:
    for window in planned(section, before, after, handle, room):
        assert window.opens == 0 or window.opens % CELL == 1


@given(sections, st.integers(9, 80), st.integers(9, 80), st.integers(9, 80))
def test_a_window_with_room_keeps_what_was_wanted_on_either_side(
    section: int, before: int, after: int, handle: int
) -> None:
    (window,) = planned(section, before, after, handle, 10_000)
    lead, tail = window.opens, window.known - window.closes
    assert min(before, handle) - CELL < lead <= min(before, handle + CELL - 1)
    assert min(after, handle) - CELL < tail <= min(after, handle + CELL - 1)
    assert window.known == window.count


@given(sections, handles, handles, handles, rooms)
def test_at_most_seven_frames_are_made_up_beyond_the_end(
    section: int, before: int, after: int, handle: int, room: int
) -> None:
    for window in planned(section, before, after, handle, room):
        assert window.count - window.known < CELL


@given(sections, handles, handles, handles, rooms)
def test_no_more_windows_than_are_needed(
    section: int, before: int, after: int, handle: int, room: int
) -> None:
    windows = planned(section, before, after, handle, room)
    room -= (room - 1) % CELL
    fewer = len(windows) - 1
    # Several windows give a quarter of themselves to either handle at most.
    lead, tail = min(before, handle + CELL, room // 4 + CELL), min(after, handle, room // 4)
    assert fewer * (room - OVERLAP) <= section + lead + tail


@given(st.integers(600, 1300), handles, handles, handles, st.integers(121, 481))
def test_several_windows_keep_their_handles_too(
    section: int, before: int, after: int, handle: int, room: int
) -> None:
    windows = planned(section, before, after, handle, room)
    wanted = min(handle, room // 4)
    lead, tail = windows[0].opens, windows[-1].known - windows[-1].closes
    assert lead > min(before, wanted) - CELL or not min(before, wanted)
    assert tail > min(after, wanted) - CELL


def test_room_for_less_than_five_latents_is_refused() -> None:
    with pytest.raises(EngineFailed) as caught:
        planned(48, 24, 24, 24, LEAST_ROOM - 1)
    assert caught.value.code == "window_too_small"


def test_two_seconds_amid_a_clip_take_a_second_on_either_side() -> None:
    (window,) = planned(48, 24, 24, 24, 481)
    assert (window.start, window.count, window.opens, window.closes) == (-17, 89, 17, 65)


@given(st.integers(1, 25), st.floats(1, 120), st.none() | st.integers(1, 3000))
def test_room_by_seconds_and_by_memory(seconds: int, rate: float, room: int | None) -> None:
    count = frames_within(seconds, rate, room)
    assert count % CELL == 1
    assert count <= max(seconds * rate, 1)
    assert room is None or count <= room
