"""From a shot to windows and back: a model that changes nothing gives the source again."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retake.core.request import Mode
from retake.engines.engine import Shot
from retake.engines.ltx.colour import PLAIN
from retake.engines.ltx.info import Options
from retake.engines.ltx.layouts import resampled, to_stereo
from retake.engines.ltx.making import Given, Made
from retake.engines.ltx.planning import frames_for, grid_for
from retake.engines.ltx.rate import plan_grid
from retake.engines.ltx.shooting import Reel, Scene
from retake.engines.ltx.size import choose_size
from retake.engines.ltx.window import Window, plan_windows
from tests.ltx.shots import make_shot


def reel_for(shot: Shot, room: int) -> tuple[Reel, Scene, tuple[Window, ...]]:
    seen = frames_for(shot, Options(handle_s=Fraction(1, 2)))
    grid = grid_for(shot, seen)
    size = choose_size(shot.frames.width, shot.frames.height, max_tokens=2040)
    scene = Scene(shot, grid, size, PLAIN, seen.start)
    after = grid.frames - grid.section.end
    windows = plan_windows(len(grid.section), grid.section.start, after, handle=12, room=room)
    return Reel(scene, windows), scene, windows


def unchanged(given: Given, scene: Scene, window: Window) -> Made:
    """Return what a perfect model makes that is asked for nothing new."""
    coded = ((given.video.numpy() + 1) * 32767.5).round().astype(np.uint16)
    shot, sound = scene.shot, None
    if shot.sound is not None:
        heard = to_stereo(shot.sound.samples, shot.layout)
        start = shot.sound_start + round(scene.opens(window) * shot.rate)
        heard = np.pad(heard, ((0, 0), (shot.rate, shot.rate)))[:, start + shot.rate :]
        lasts = Fraction(4 * len(given.audio_mask) - 3, 100)
        sound = resampled(heard, shot.rate, 48000, int(lasts * 48000)), 48000
    return Made(coded.transpose(1, 2, 3, 0), sound)


def carried_through(shot: Shot, room: int = 481) -> tuple[Reel, tuple[Window, ...]]:
    reel, scene, windows = reel_for(shot, room)
    for window in windows:
        reel.take_in(window, unchanged(reel.given(window), scene, window))
    return reel, windows


def largest_difference(shot: Shot, reel: Reel) -> int:
    made = list(reel.frames(np.dtype(np.uint8)))
    own = list(shot.frames.read(shot.section))
    assert len(made) == len(own)
    pairs = zip(made, own, strict=True)
    return max(int(np.abs(one.astype(int) - other).max()) for one, other in pairs)


@settings(max_examples=20)
@given(
    st.integers(1, 90),
    st.integers(0, 20),
    st.integers(0, 20),
    st.sampled_from([Fraction(24), Fraction(30000, 1001), Fraction(25), Fraction(60)]),
    st.sampled_from([33, 41, 57, 481]),
)
def test_frames_come_back_to_the_bit_at_a_rate_that_the_model_knows(
    section: int, before: int, after: int, rate: Fraction, room: int
) -> None:
    shot = make_shot(size=(32, 32), section=section, before=before, after=after, rate=rate)
    reel, _ = carried_through(shot, room)
    assert largest_difference(shot, reel) == 0


@settings(max_examples=10)
@given(st.integers(2, 60), st.sampled_from([Fraction(12), Fraction(15), Fraction(10)]))
def test_frames_at_a_rate_that_the_model_does_not_know_come_back_too(
    section: int, rate: Fraction
) -> None:
    shot = make_shot(size=(32, 32), section=section, rate=rate)
    reel, _ = carried_through(shot)
    assert largest_difference(shot, reel) <= 1


def test_the_first_and_last_frames_are_exact_at_a_variable_rate() -> None:
    chance = np.random.default_rng(4)
    steps = [Fraction(int(step), 1000) for step in chance.integers(20, 70, 60)]
    times = [sum(steps[:at], Fraction(0)) - sum(steps[:12], Fraction(0)) for at in range(60)]
    shot = make_shot(size=(32, 32), section=36, times=times, rate=Fraction(1000, 45))
    reel, _ = carried_through(shot)
    made = list(reel.frames(np.dtype(np.uint8)))
    own = list(shot.frames.read(shot.section))
    assert len(made) == 36
    assert np.array_equal(made[0], own[0])
    assert np.array_equal(made[-1], own[-1])


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("rate", [44100, 48000])
@pytest.mark.parametrize("room", [33, 481])
def test_sound_comes_back_at_its_place_whatever_its_rate_and_channels(
    channels: int, rate: int, room: int
) -> None:
    shot = make_shot(section=60, channels=channels, sound_rate=rate)
    reel, windows = carried_through(shot, room)
    assert len(windows) == (1 if room == 481 else 4)
    made = reel.sound()
    assert made.rate == rate
    assert made.samples.shape == (channels, shot.sound_samples)
    assert shot.sound is not None
    own = shot.sound.samples[:, shot.sound_start : shot.sound_start + shot.sound_samples]
    # What was made is stereo: it is compared as that. 2 % of a tone of 0.2 is a third of a sample.
    difference = to_stereo(made.samples) - to_stereo(own)
    assert float(np.abs(difference[:, 200:-200]).max()) < 0.004


def test_a_further_window_is_given_what_was_made_and_behind_it_the_source() -> None:
    shot = make_shot(size=(32, 32), section=60)
    reel, scene, windows = reel_for(shot, 33)
    first, second = windows[:2]
    given_first = reel.given(first)
    made = unchanged(given_first, scene, first)
    assert made.pictures is not None
    black = Made(np.zeros_like(made.pictures), (np.zeros((2, 48000), np.float32), 48000))
    reel.take_in(first, black)
    given_second = reel.given(second)
    assert (given_second.video[:, : second.opens] == -1).all()
    own = reel_for(shot, 481)[0].given(reel_for(shot, 481)[2][0])
    offset = second.start - reel_for(shot, 481)[2][0].start
    tail = given_second.video[:, second.opens :]
    expected = own.video[:, offset + second.opens : offset + second.count]
    assert np.allclose(tail, expected, atol=1e-6)
    assert given_second.features is not None
    # Silence up to the part that is made, the source's tone behind it.
    assert given_second.features[:, :40].max() < -10
    assert given_second.features[:, -20:].max() > -5
    assert given_second.seed != given_first.seed


@pytest.mark.parametrize(
    ("mode", "channels", "video", "audio"),
    [
        (Mode.AUDIO_AND_VIDEO, 2, "some", "some"),
        (Mode.VIDEO, 2, "some", "none"),
        (Mode.AUDIO, 2, "none", "some"),
        # Nothing is known of a sound that there is not: it is made up, and thrown away.
        (Mode.VIDEO, 0, "some", "all"),
        (Mode.AUDIO_AND_VIDEO, 0, "some", "all"),
        (Mode.AUDIO, 0, "none", "all"),
    ],
)
def test_masks_follow_the_mode(mode: Mode, channels: int, video: str, audio: str) -> None:
    shot = make_shot(size=(32, 32), mode=mode, channels=channels)
    reel, _, windows = reel_for(shot, 481)
    given = reel.given(windows[0])
    for mask, wanted in ((given.video_mask, video), (given.audio_mask, audio)):
        found = "all" if all(mask) else "some" if any(mask) else "none"
        assert found == wanted


def test_what_lies_far_from_the_section_does_not_count() -> None:
    """A gap five seconds away is no reason to resample every frame in time."""
    times = [Fraction(number - 60, 24) for number in range(120)]
    times[0] -= 2
    shot = make_shot(size=(32, 32), before=60, section=48, times=times)
    assert not plan_grid(shot.times, shot.section, shot.frame_rate).exact
    assert grid_for(shot, frames_for(shot, Options())).exact
    reel, windows = carried_through(shot)
    assert largest_difference(shot, reel) == 0
    assert windows[0].opens == 17


def test_handles_are_given_for_the_seams() -> None:
    shot = make_shot(size=(32, 32))
    reel, _ = carried_through(shot)
    handles = reel.handles(np.dtype(np.uint8))
    assert handles is not None
    before, after = list(handles.before), list(handles.after)
    own = [shot.frames.draw(number) for number in range(48)]
    assert [len(before), len(after)] == [4, 4]
    assert all(np.array_equal(one, other) for one, other in zip(before, own[8:12], strict=True))
    assert all(np.array_equal(one, other) for one, other in zip(after, own[36:40], strict=True))
