"""The log-mel front end equals the formulas, written down a second time, to 1e-5."""

from __future__ import annotations

import math

import numpy as np
import pytest

from retake.engines.ltx.features import BANDS, FLOOR, HOP, RATE, WINDOW, filters, log_mel


def mel_to_hz(mel: float) -> float:
    """Slaney's scale as librosa documents it (htk=False)."""
    return 200.0 * mel / 3 if mel < 15 else 1000.0 * math.exp(math.log(6.4) / 27 * (mel - 15))


def hz_to_mel(hz: float) -> float:
    return 3 * hz / 200 if hz < 1000 else 15 + 27 * math.log(hz / 1000) / math.log(6.4)


def reference(sound: np.ndarray, frames: list[int]) -> np.ndarray:
    """Return features of one channel by plain sums in float64: no FFT, one band at a time."""
    top = hz_to_mel(RATE / 2)
    edges = [mel_to_hz(top * n / (BANDS + 1)) for n in range(BANDS + 2)]
    lines = WINDOW // 2 + 1
    turn = np.exp(-2j * np.pi * np.outer(np.arange(lines), np.arange(WINDOW)) / WINDOW)
    out = np.zeros((len(frames), BANDS))
    for row, frame in enumerate(frames):
        piece = np.zeros(WINDOW)
        for n in range(WINDOW):
            at = frame * HOP + n - WINDOW // 2
            at = -at if at < 0 else at
            at = 2 * (len(sound) - 1) - at if at >= len(sound) else at
            piece[n] = sound[at] * (0.5 - 0.5 * math.cos(2 * math.pi * n / WINDOW))
        magnitude = np.abs(turn @ piece)
        for band in range(BANDS):
            low, middle, high = edges[band : band + 3]
            total = 0.0
            for line in range(lines):
                hz = line * RATE / WINDOW
                weight = min((hz - low) / (middle - low), (high - hz) / (high - middle))
                total += magnitude[line] * max(weight, 0.0) * 2 / (high - low)
            out[row, band] = math.log(max(total, FLOOR))
    return out


def sounds() -> dict[str, np.ndarray]:
    at = np.arange(RATE // 2) / RATE
    chance = np.random.default_rng(5)
    return {
        "noise": 0.3 * chance.standard_normal(at.size),
        "tone": 0.7 * np.sin(2 * np.pi * 440 * at),
        "sweep": 0.5 * np.sin(2 * np.pi * (50 + 7000 * at) * at),
        "click": np.eye(1, at.size, 4000)[0],
        "silence": np.zeros(at.size),
    }


@pytest.mark.parametrize("name", sounds())
def test_features_are_what_the_formulas_say(name: str) -> None:
    sound = sounds()[name].astype(np.float32)
    made = log_mel(np.stack([sound, -sound]))
    assert made.dtype == np.float32
    assert made.shape == (2, sound.size // HOP + 1, BANDS)
    frames = [0, 1, 3, 24, 25, 47, 49, 50]
    expected = reference(sound.astype(np.float64), frames)
    assert np.abs(made[0, frames] - expected).max() < 1e-5
    assert np.array_equal(made[0], made[1])


def test_every_triangle_has_the_area_of_one() -> None:
    # Wide triangles are sampled finely enough for the sum to be their area.
    areas = filters().sum(axis=0) * (RATE / WINDOW)
    assert areas[40:] == pytest.approx(1, abs=0.02)


def test_a_tone_lies_in_the_band_that_holds_its_pitch() -> None:
    at = np.arange(RATE) / RATE
    for hz in (300.0, 1000.0, 4000.0):
        tone = np.sin(2 * np.pi * hz * at).astype(np.float32)[None]
        band = int(log_mel(tone)[0, 50].argmax())
        assert abs(band + 1 - hz_to_mel(hz) / hz_to_mel(RATE / 2) * (BANDS + 1)) <= 1


def test_sound_that_is_hardly_any_still_has_features() -> None:
    for samples in (0, 1, 100, 512, 513):
        made = log_mel(np.zeros((1, samples), np.float32))
        assert made.shape == (1, samples // HOP + 1, BANDS)
        assert made == pytest.approx(math.log(FLOOR))
