from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retake.core.errors import Cancelled
from retake.core.watch import Watch
from retake.engines.ltx.memory.work import Phase, Work
from retake.engines.ltx.progress import WHOLE, Progress

FULL = Work(1920, 1088, 169, 176)


def told_by(work: Work, phases: tuple[Phase, ...]) -> list[int]:
    told: list[int] = []
    progress = Progress(Watch(lambda _stage, done, _total: told.append(done)), work, phases)
    for phase in phases:
        for share in (0.0, 0.5, 1.0):
            progress.at(phase, share)
    return told


@given(
    work=st.builds(
        Work,
        width=st.sampled_from((64, 512, 1920)),
        height=st.sampled_from((64, 512, 1088)),
        frames=st.integers(1, 60).map(lambda n: 8 * n + 1),
        audio_latents=st.integers(1, 500),
    ),
    phases=st.sets(st.sampled_from(Phase), min_size=1).map(
        lambda some: tuple(phase for phase in Phase if phase in some)
    ),
)
def test_progress_only_grows_from_nothing_to_the_whole(work: Work, phases: tuple[Phase, ...]):
    told = told_by(work, phases)
    assert told == sorted(told)
    assert told[0] == 0
    assert told[-1] == WHOLE


def test_denoising_is_most_of_a_large_window_and_decoding_has_its_share():
    told = told_by(FULL, tuple(Phase))
    denoised = told[8] - told[6]
    decoded = told[11] - told[9]
    assert denoised > 0.8 * WHOLE
    assert decoded > 0.02 * WHOLE


def test_a_wish_to_cancel_takes_effect_where_progress_is_told():
    wish = threading.Event()
    progress = Progress(Watch(cancel=wish), FULL)
    progress.at(Phase.ENCODE)
    wish.set()
    with pytest.raises(Cancelled):
        progress.at(Phase.DENOISE, 0.5)
