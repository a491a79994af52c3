"""Percent and time left: never backwards within a run, never beyond the end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retake.core.watch import Stage
from retake.queue.progress import Progress, stage_named

STAGES = list(Stage)


@given(
    st.lists(
        st.tuples(st.sampled_from(STAGES), st.fractions(min_value=0, max_value=1)), min_size=1
    ),
    st.integers(1, 500),
)
def test_percent_rises_with_the_stages_and_their_parts(
    moments: list[tuple[Stage, float]], total: int
) -> None:
    moments.sort(key=lambda moment: (STAGES.index(moment[0]), moment[1]))
    progress = Progress.begin(None, since=0)
    last = progress.percent
    assert last == 0
    for stage, part in moments:
        progress = progress.at(stage, int(part * total), total)
        assert last <= progress.percent <= 100
        last = progress.percent


def test_the_last_stages_end_is_all_of_it() -> None:
    assert Progress.begin(None, 0).at(Stage.PUBLISH, 3, 3).percent == 100
    assert Progress.begin(None, 0).at(Stage.PUBLISH, 3, 3).eta_seconds(60) == 0


@pytest.mark.parametrize(("done", "total"), [(5, 0), (-1, 10), (20, 10), (0, -4)])
def test_odd_numbers_stay_within_the_stage(done: int, total: int) -> None:
    begin, end = (Progress.begin(stage, 0).percent for stage in (Stage.GENERATE, Stage.RENDER))
    assert begin <= Progress.begin(None, 0).at(Stage.GENERATE, done, total).percent <= end


def test_the_time_left_follows_the_pace_of_this_run() -> None:
    resumed = Progress.begin(Stage.GENERATE, since=100)
    halfway = resumed.at(Stage.GENERATE, 50, 100)
    assert resumed.eta_seconds(200) is None
    gained = halfway.percent - resumed.percent
    assert halfway.eta_seconds(110) == round(10 * (100 - halfway.percent) / gained)


@pytest.mark.parametrize("name", ["", "nonsense", None, 3, ["fetch"]])
def test_only_stages_are_stages(name: object) -> None:
    assert stage_named(name) is None
    assert stage_named("fetch") is Stage.FETCH
