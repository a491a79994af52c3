"""Takes: exactly the section's frames and samples, in every mode and from any source."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from retake.core.errors import Cancelled, EngineFailed
from retake.core.request import Mode
from retake.core.watch import Stage, Watch
from retake.engines.engine import Shot, Take
from retake.engines.ltx import studio as studio_module
from retake.engines.ltx.components import Components
from retake.engines.ltx.engine import LtxEngine
from retake.engines.ltx.info import check_options
from retake.engines.ltx.memory.attempts import Memory
from retake.engines.ltx.memory.card import read_card
from retake.engines.ltx.studio import Studio
from tests.ltx.shots import make_shot


@pytest.fixture(scope="module")
def studio(components: Components) -> Studio:
    return Studio(components, Memory(components, read_card("cpu")))


def taken(studio: Studio, shot: Shot) -> Take:
    return studio.take(shot, check_options(shot.options))


def frames_of(take: Take) -> np.ndarray[Any, Any]:
    assert take.frames is not None
    return np.array(list(take.frames))


@pytest.mark.parametrize("mode", list(Mode))
def test_a_take_has_what_its_mode_asks_for_and_nothing_else(studio: Studio, mode: Mode) -> None:
    shot = make_shot(mode=mode)
    take = taken(studio, shot)
    assert (take.frames is not None) == mode.replaces_video
    assert (take.sound is not None) == mode.replaces_audio
    if mode.replaces_video:
        frames = frames_of(take)
        assert frames.shape == (24, 64, 96, 3)
        assert frames.dtype == np.uint8
    if take.sound is not None:
        assert take.sound.samples.shape == (2, shot.sound_samples)
        assert take.sound.samples.dtype == np.float32
        assert np.isfinite(take.sound.samples).all()
        assert float(np.abs(take.sound.samples).max()) > 0


@pytest.mark.parametrize(
    "given",
    [
        {"size": (50, 38), "dtype": np.uint16},
        {"size": (40, 90), "rate": Fraction(30000, 1001), "channels": 6},
        {"rate": Fraction(15), "channels": 1, "sound_rate": 44100},
        {"channels": 0},
        {"before": 0, "after": 3},
        {"before": 30, "after": 0},
        {"before": 0, "after": 0, "section": 1},
    ],
    ids=["odd-10bit", "portrait-5.1", "15fps-mono", "silent", "start", "end", "one-frame"],
)
def test_any_source_is_answered_in_its_own_form(studio: Studio, given: dict[str, Any]) -> None:
    shot = make_shot(**given)
    take = taken(studio, shot)
    frames = frames_of(take)
    own = next(iter(shot.frames.read()))
    assert frames.shape == (len(shot.section), *own.shape)
    assert frames.dtype == own.dtype
    assert take.sound is not None
    assert take.sound.samples.shape == (shot.channels, shot.sound_samples)
    assert take.sound.rate == shot.rate


def test_the_same_seed_gives_the_same_bytes_and_another_another(studio: Studio) -> None:
    one, same, other = (taken(studio, make_shot(seed=seed)) for seed in (7, 7, 8))
    frames = [frames_of(take) for take in (one, same, other)]
    assert np.array_equal(frames[0], frames[1])
    assert not np.array_equal(frames[0], frames[2])
    assert one.sound is not None
    assert same.sound is not None
    assert np.array_equal(one.sound.samples, same.sound.samples)


def test_the_prompt_counts(studio: Studio) -> None:
    one, other = (taken(studio, make_shot(prompt=prompt)) for prompt in ("a cat", "the sea"))
    assert not np.array_equal(frames_of(one), frames_of(other))


def test_guided_steps_differ_from_unguided_ones(studio: Studio) -> None:
    few = {"num_inference_steps": 2}
    one = taken(studio, make_shot(section=9, options={"preset": "fast", **few}))
    other = taken(studio, make_shot(section=9, options={"preset": "quality", **few}))
    assert not np.array_equal(frames_of(one), frames_of(other))


@pytest.mark.parametrize("mode", list(Mode))
def test_a_section_too_long_for_a_window_is_made_by_several(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, mode: Mode
) -> None:
    windows_for = studio_module.windows_for
    shot = make_shot(size=(32, 32), section=60)
    grid = studio_module.grid_for(shot, studio_module.frames_for(shot, check_options({})))
    whole = windows_for(grid, check_options({}))
    assert len(whole) == 1
    monkeypatch.setattr("retake.engines.ltx.planning.SPAN_S", 2)
    told: list[tuple[int, int]] = []
    watch = Watch(lambda _stage, done, total: told.append((done, total)))
    take = taken(studio, make_shot(size=(32, 32), section=60, watch=watch, mode=mode))
    if mode.replaces_video:
        assert frames_of(take).shape == (60, 32, 32, 3)
    if mode.replaces_audio:
        assert take.sound is not None
        assert take.sound.samples.shape == (2, shot.sound_samples)
    # One scale for all windows, never backwards.
    assert len({total for _, total in told}) == 1
    assert told == sorted(told)
    assert len(set(told)) > 3 * 2


def test_progress_is_told_step_by_step(studio: Studio) -> None:
    told: list[tuple[Stage, int, int]] = []
    watch = Watch(lambda *what: told.append(what))
    taken(studio, make_shot(section=9, watch=watch))
    assert {(stage, total) for stage, _, total in told} == {(Stage.GENERATE, 1000)}
    done = [one for _, one, _ in told]
    assert done == sorted(done)
    # Two steps, and what comes before and behind them.
    assert len(set(done)) >= 2 + 4
    assert done[-1] < 1000


@pytest.mark.parametrize("after", [0, 500])
def test_a_cancel_ends_the_work_between_two_steps(studio: Studio, after: int) -> None:
    cancel = threading.Event()

    def tell(_stage: Stage, done: int, _total: int) -> None:
        if done >= after:
            cancel.set()

    with pytest.raises(Cancelled):
        taken(studio, make_shot(section=9, watch=Watch(tell, cancel)))


def test_a_cancel_ends_the_drawing_of_frames(studio: Studio) -> None:
    cancel = threading.Event()
    take = taken(studio, make_shot(watch=Watch(cancel=cancel)))
    assert take.frames is not None
    frames: Iterator[Any] = take.frames
    next(frames)
    cancel.set()
    with pytest.raises(Cancelled):
        next(frames)


def test_notes_say_what_was_scaled_and_which_preset_does_not_suit(studio: Studio) -> None:
    notes = " ".join(taken(studio, make_shot(section=9)).notes)
    assert "made for distilled weights" in notes


def test_a_prompt_that_is_too_long_is_read_as_far_as_it_goes_and_that_is_told(
    studio: Studio,
) -> None:
    prompt = "A long scene of many words that goes on and on, with a wooden bench. " * 2
    notes = " ".join(taken(studio, make_shot(section=9, prompt=prompt)).notes)
    assert "64 tokens" in notes
    assert "wooden bench" in notes


def test_the_engine_says_that_it_lacks_weights(tmp_path: Any) -> None:
    with pytest.raises(EngineFailed) as caught:
        LtxEngine(tmp_path).warm()
    assert caught.value.code == "weights_missing"
