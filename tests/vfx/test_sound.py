"""The sound fits the section, the picture and its surroundings, and never clips."""

from __future__ import annotations

from threading import Event

import numpy as np
import pytest
from numpy.typing import NDArray

from retake.core.errors import Cancelled
from retake.core.request import Mode
from retake.core.watch import Watch
from retake.engines.engine import Sound
from retake.engines.vfx.events import ignition, strikes
from retake.engines.vfx.plan import SOUNDS, Cue, PromptPlan
from retake.engines.vfx.sound.loudness import integrated, momentary, true_peaks
from retake.engines.vfx.sound.mix import make_sound
from retake.engines.vfx.sound.storm import arrival

SECONDS = 2.5


def plan_of(*effects: str, keep: bool | None = None, strength: float = 0.7) -> PromptPlan:
    cues = tuple(Cue(effect, 1.0, 0.0, SECONDS, strength=strength) for effect in effects)
    return PromptPlan("", cues, cues, keep_sound=keep)


def source(rate: int = 48000, channels: int = 2, level: float = 0.05, seed: int = 1) -> Sound:
    """Coloured noise of 1 s + section + 1 s."""
    draw = np.random.default_rng(seed)
    count = int((SECONDS + 2) * rate)
    wave = np.cumsum(draw.standard_normal((channels, count)), axis=1)
    wave -= np.apply_along_axis(lambda x: np.convolve(x, np.ones(200) / 200, "same"), 1, wave)
    return Sound((wave / wave.std() * level).astype(np.float32), rate)


def made(
    plan: PromptPlan,
    shot_sound: Sound | None = None,
    mode: Mode = Mode.AUDIO,
    *,
    rate: int = 48000,
    channels: int = 2,
    seed: int = 7,
    watch: Watch | None = None,
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    sound, notes = make_sound(
        plan, shot_sound, rate, int(SECONDS * rate), rate, channels, mode, seed, watch or Watch()
    )
    assert sound.rate == rate
    assert sound.samples.dtype == np.float32
    assert sound.samples.shape == (channels, int(SECONDS * rate))
    assert np.isfinite(sound.samples).all()
    return sound.samples.astype(np.float64), notes


def rms(wave: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(wave**2)))


@pytest.mark.parametrize("effect", SOUNDS)
def test_every_effect_sounds_begins_and_ends_in_silence_and_repeats(effect: str) -> None:
    wave, _ = made(plan_of(effect))
    again, _ = made(plan_of(effect))
    other, _ = made(plan_of(effect), seed=8)
    assert np.array_equal(wave, again)
    assert not np.array_equal(wave, other)
    assert integrated(wave, 48000) > -50
    assert np.max(np.abs(wave[:, :240])) < 0.003
    assert np.max(np.abs(wave[:, -240:])) < 0.003


@pytest.mark.parametrize(
    ("rate", "channels"),
    [
        (8000, 1),
        (11025, 2),
        (44100, 2),
        (47999, 1),
        (48000, 6),
        (96000, 8),
        (192000, 2),
        (48000, 3),
    ],
)
def test_any_rate_and_layout_is_made_below_the_ceiling(rate: int, channels: int) -> None:
    wave, _ = made(plan_of("explosion", strength=1.0), rate=rate, channels=channels)
    assert 20 * np.log10(true_peaks(wave, rate).max()) <= -1.0
    assert momentary(wave, rate) > -20


def test_an_explosion_is_heard_when_it_goes_off_and_dies_away() -> None:
    plan = plan_of("explosion")
    wave, _ = made(plan)
    at = int(ignition(plan.sounds[0]) * 48000)
    before, blow = rms(wave[:, : at - 480]), rms(wave[:, at : at + 9600])
    assert blow > 10 * before
    assert blow > 2 * rms(wave[:, at + 48000 : at + 57600])
    # The crack is sharp: within 5 ms it is there.
    assert np.max(np.abs(wave[:, at : at + 240])) > 0.25


def test_thunder_follows_its_lightning_and_rolls_inside_the_section() -> None:
    cue = Cue("storm", 1.0, 0.0, 5.0)
    for seed in range(20):
        for strike in strikes(cue, seed):
            assert strike.time_s < arrival(strike, cue) <= cue.end_s - 0.9
    near = [arrival(strike, cue) - strike.time_s for strike in strikes(cue, 3)]
    assert near[0] == pytest.approx(strikes(cue, 3)[0].distance_m / 343, abs=1e-6)


def test_stronger_is_louder() -> None:
    levels = [
        integrated(made(plan_of("rain", strength=strength))[0], 48000)
        for strength in (0.2, 0.6, 1.0)
    ]
    assert levels[0] + 2 < levels[1] < levels[2] - 2


def test_an_effect_on_the_left_is_heard_on_the_left() -> None:
    cue = Cue("fire", 1.0, 0.0, SECONDS, place=(0.05, 0.7))
    wave, _ = made(PromptPlan("", (cue,), (cue,)))
    crackles = np.diff(wave, n=2, axis=1)
    assert rms(crackles[0]) > 1.15 * rms(crackles[1])


def test_a_new_picture_keeps_the_source_s_sound_beneath() -> None:
    original = source()
    own = original.samples[:, 48000 : 48000 + int(SECONDS * 48000)].astype(np.float64)
    wave, notes = made(plan_of(), original, Mode.AUDIO_AND_VIDEO)
    assert np.array_equal(wave, own)
    assert any("stays beneath" in note for note in notes)


def test_where_nothing_of_ours_sounds_the_source_is_untouched_even_above_the_ceiling() -> None:
    original = source(level=0.4)
    cue = Cue("fire", 1.0, 1.5, SECONDS)
    plan = PromptPlan("", (cue,), (cue,))
    wave, _ = made(plan, original, Mode.AUDIO_AND_VIDEO)
    own = original.samples[:, 48000 : 48000 + int(SECONDS * 48000)].astype(np.float64)
    assert np.max(np.abs(own)) > 0.9
    assert np.allclose(wave[:, :48000], own[:, :48000], atol=1e-6)


def test_the_source_steps_back_under_an_explosion_and_returns() -> None:
    rate = 48000
    t = np.arange(int((SECONDS + 2) * rate)) / rate
    tone = np.stack([0.1 * np.sin(2 * np.pi * 9000 * t)] * 2).astype(np.float32)
    wave, _ = made(plan_of("explosion"), Sound(tone, rate), Mode.AUDIO_AND_VIDEO)
    section = t[: wave.shape[1]]
    carrier = np.exp(-2j * np.pi * 9000 * section)
    level = np.abs(np.convolve(wave[0] * carrier, np.ones(4800) / 4800, "same")) * 2
    at = int((ignition(plan_of("explosion").sounds[0]) + 0.15) * rate)
    assert level[at] < 0.5 * level[4800]
    assert level[-4800] == pytest.approx(0.1, rel=0.1)


def test_a_new_sound_drops_the_source_s_music_but_keeps_the_air() -> None:
    rate = 48000
    original = source(level=0.004)
    t = np.arange(original.samples.shape[1]) / rate
    # A tone that pauses, as music and voices do.
    tone = 0.2 * np.sin(2 * np.pi * 440 * t) * (np.sin(2 * np.pi * 1.5 * t) > 0)
    wave, notes = made(plan_of(), Sound((original.samples + tone).astype(np.float32), rate))
    assert 0.3 * 0.004 < rms(wave) < 2 * 0.004
    spectrum = np.abs(np.fft.rfft(wave[0]))
    at = int(440 * SECONDS)
    assert spectrum[at - 2 : at + 3].max() < 8 * np.median(spectrum[at - 200 : at + 200])
    assert any("replaced" in note for note in notes)


def test_the_wish_to_keep_or_drop_the_source_outranks_the_mode() -> None:
    original = source()
    own = original.samples[:, 48000 : 48000 + int(SECONDS * 48000)].astype(np.float64)
    kept, _ = made(plan_of(keep=True), original, Mode.AUDIO)
    dropped, _ = made(plan_of(keep=False), original, Mode.AUDIO_AND_VIDEO)
    assert np.array_equal(kept, own)
    assert not np.allclose(dropped, own, atol=0.01)


def test_a_source_without_sound_gets_a_new_track_and_is_told_so() -> None:
    wave, notes = made(plan_of())
    assert not wave.any()
    assert any("has no sound" in note for note in notes)


def test_a_source_shorter_than_its_pictures_is_filled_with_silence() -> None:
    full = source()
    short = Sound(full.samples[:, : 48000 * 2], 48000)
    wave, _ = made(plan_of(), short, Mode.AUDIO_AND_VIDEO)
    assert not wave[:, 48000:].any()
    made(plan_of("rain"), Sound(full.samples[:, :48100], 48000))
    made(plan_of("rain"), Sound(full.samples[:, :0], 48000))


def test_no_cricket_sings_in_the_wind() -> None:
    def chirping(*effects: str) -> float:
        wave, _ = made(plan_of(*effects))
        spectrum = np.abs(np.fft.rfft(wave[0]))
        hz = np.fft.rfftfreq(wave.shape[1], 1 / 48000)
        band = spectrum[(hz > 4000) & (hz < 5100)]
        return float(band.max() / np.median(band))

    assert chirping("night") > 20
    assert chirping("night", "wind") < 8


def test_a_cancelled_request_makes_no_sound() -> None:
    stop = Event()
    stop.set()
    with pytest.raises(Cancelled):
        made(plan_of("rain"), watch=Watch(cancel=stop))


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
def test_loudness_is_that_of_bs_1770(rate: int) -> None:
    # Annex 1: a sine of 997 Hz at full scale in one channel reads -3.01 LKFS.
    sine = np.sin(2 * np.pi * 997 * np.arange(3 * rate) / rate)[None]
    assert momentary(sine, rate) == pytest.approx(-3.01, abs=0.1)
    assert integrated(sine, rate) == pytest.approx(-3.01, abs=0.1)


def test_a_peak_between_samples_is_found() -> None:
    # A quarter of the sampling rate at 45 degrees: every sample is 0.707, the wave reaches 1.
    wave = np.sin(2 * np.pi * 0.25 * np.arange(4800) + np.pi / 4)[None]
    assert np.max(np.abs(wave)) < 0.71
    assert true_peaks(wave, 48000)[1000:3000].max() == pytest.approx(1, abs=0.02)


def test_a_held_note_does_not_go_on_whistling_in_the_air_of_the_place() -> None:
    original = source(level=0.004)
    t = np.arange(original.samples.shape[1]) / 48000
    note = 0.02 * np.sin(2 * np.pi * 1000 * t)
    wave, _ = made(plan_of(), Sound((original.samples + note).astype(np.float32), 48000))
    spectrum = np.abs(np.fft.rfft(wave[0]))
    at = int(1000 * SECONDS)
    assert rms(spectrum[at - 20 : at + 20]) < 3 * rms(spectrum[at - 800 : at - 400])
