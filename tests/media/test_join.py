"""New sound meets what surrounds it, sample for sample, and never overpowers it."""

from __future__ import annotations

import numpy as np
import pyloudnorm
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from retake.media.join import CEILING, HEADROOM_LU, QUIET_LUFS, join_sound, limit
from retake.media.loudness import integrated_loudness, loudness, true_peaks

RATE = 48000
Sound = NDArray[np.float32]


def noise(db: float, count: int, channels: int = 2, seed: int = 0) -> Sound:
    random = np.random.default_rng(seed)
    return (random.standard_normal((channels, count)) * 10 ** (db / 20)).astype(np.float32)


@st.composite
def places(draw: st.DrawFn) -> tuple[Sound, int, Sound, int]:
    """Draw surroundings, a place in them, new sound and a rate."""
    rate = draw(st.sampled_from([8000, 44100, 48000]))
    channels = draw(st.sampled_from([1, 2, 6]))
    before, length, after = (
        draw(st.one_of(st.sampled_from([0, 1, rate // 100]), st.integers(0, 2 * rate)))
        for _ in range(3)
    )
    seed = draw(st.integers(0, 2**16))
    loud = draw(st.floats(-90, 0))
    context = np.clip(noise(loud, before + length + after, channels, seed), -1, 1)
    kind = draw(st.sampled_from(["noise", "silence", "square", "click"]))
    new = np.zeros((channels, length), np.float32)
    if kind == "noise":
        new = noise(draw(st.floats(-90, 12)), length, channels, seed + 1)
    elif kind == "square":
        new += np.sign(np.sin(np.arange(length) / 7)).astype(np.float32) * 2
    elif kind == "click" and length:
        new[:, length // 2] = 4
    return context, before, new, rate


@settings(max_examples=80, deadline=None)
@given(places())
def test_the_joined_sound_fits_exactly_and_its_peaks_are_bounded(
    place: tuple[Sound, int, Sound, int],
) -> None:
    context, offset, new, rate = place
    untouched = context.copy(), new.copy()
    joined = join_sound(context, offset, new, rate)
    end = offset + new.shape[1]
    assert joined.shape == new.shape
    assert joined.dtype == np.float32
    assert np.isfinite(joined).all()
    assert np.array_equal(context, untouched[0])
    assert np.array_equal(new, untouched[1])
    if not new.shape[1]:
        return
    own = context[:, offset:end]
    if new.shape[1] > 1:
        first = own[:, 0] if offset else 0
        last = own[:, -1] if end < context.shape[1] else 0
        assert np.abs(joined[:, 0] - first).max() < 1e-6
        assert np.abs(joined[:, -1] - last).max() < 1e-6
    # Between the source's own samples and the ceiling: a fade adds nothing to either.
    assert np.abs(joined).max() <= max(CEILING, float(np.abs(own).max())) + 1e-6


@settings(max_examples=20, deadline=None)
@given(around=st.floats(-60, -10), new=st.floats(-60, 10), seed=st.integers(0, 99))
def test_a_steady_sound_stays_near_its_surroundings(around: float, new: float, seed: int) -> None:
    context, made = noise(around, 5 * RATE, 1, seed), noise(new, 3 * RATE, 1, seed + 1)
    joined = join_sound(context, RATE, made, RATE)
    surroundings = integrated_loudness(context, RATE)
    most = max(surroundings + HEADROOM_LU, QUIET_LUFS)
    assert integrated_loudness(joined, RATE) <= most + 0.5
    # What is quiet enough is left as loud as it was made.
    own = integrated_loudness(made, RATE)
    if own <= min(most, -15):
        middle = slice(RATE, 2 * RATE)
        assert loudness(joined[:, middle], RATE) == pytest.approx(
            loudness(made[:, middle], RATE), abs=0.3
        )


@pytest.mark.parametrize("difference", [-4, -2, 0, 3, 6, 9])
def test_the_step_at_a_seam_is_small(difference: float) -> None:
    context = noise(-30, 6 * RATE)
    joined = join_sound(context, 2 * RATE, noise(-30 + difference, 2 * RATE, seed=1), RATE)
    whole = context.copy()
    whole[:, 2 * RATE : 4 * RATE] = joined
    block = round(0.4 * RATE)
    for seam, inward in ((2 * RATE, 1), (4 * RATE, -1)):
        inside = slice(*sorted((seam, seam + inward * block)))
        outside = slice(*sorted((seam, seam - inward * block)))
        step = loudness(whole[:, inside], RATE) - loudness(whole[:, outside], RATE)
        assert abs(step) < 1.5


def test_an_event_behind_the_seam_keeps_its_punch() -> None:
    context = noise(-40, 6 * RATE)
    new = noise(-45, 3 * RATE, seed=1)
    new[:, RATE:] = noise(-31, 2 * RATE, seed=2)
    joined = join_sound(context, 2 * RATE, new, RATE)
    event = slice(RATE, 2 * RATE)
    assert loudness(joined[:, event], RATE) > loudness(new[:, event], RATE) - 1


def test_nothing_precedes_the_first_sample_of_a_film() -> None:
    context, new = noise(-20, 3 * RATE), noise(-20, RATE, seed=1)
    joined = join_sound(context, 0, new, RATE)
    assert not joined[:, 0].any()
    joined = join_sound(context, 2 * RATE, new, RATE)
    assert not joined[:, -1].any()


def test_sound_that_does_not_fit_is_refused() -> None:
    for channels, offset, count in ((1, 0, 10), (2, -1, 10), (2, 95, 10)):
        with pytest.raises(ValueError, match="does not fit"):
            join_sound(noise(-20, 100), offset, noise(-20, count, channels), RATE)


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_loudness_is_what_pyloudnorm_measures(channels: int) -> None:
    sound = noise(-30, 6 * RATE, channels)
    sound[:, 2 * RATE : 4 * RATE] *= 0.02
    expected = pyloudnorm.Meter(RATE).integrated_loudness(sound.T.astype(float))
    assert integrated_loudness(sound, RATE) == pytest.approx(expected, abs=0.1)


def test_silence_is_minus_infinity() -> None:
    assert integrated_loudness(np.zeros((2, RATE), np.float32), RATE) == -np.inf
    assert loudness(np.zeros((2, 0), np.float32), RATE) == -np.inf


def test_the_true_peak_lies_between_the_samples() -> None:
    # A sine at a quarter of the rate, sampled at 45 degrees: its crests are never sampled.
    t = np.arange(4800)
    wave = np.sin(np.pi / 2 * t + np.pi / 4)[None]
    assert np.abs(wave).max() < 0.71
    assert true_peaks(wave)[100:-100].max() == pytest.approx(1, abs=0.02)


@settings(max_examples=25, deadline=None)
@given(db=st.floats(-20, 20), seed=st.integers(0, 99))
def test_the_limiter_keeps_true_peaks_under_the_ceiling(db: float, seed: int) -> None:
    sound = noise(db, RATE // 2, seed=seed).astype(np.float64)
    limited = limit(sound, RATE)
    assert true_peaks(limited).max() <= CEILING
    if true_peaks(sound).max() < CEILING * 0.98:
        assert np.array_equal(limited, sound)
