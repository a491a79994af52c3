"""Sound of any layout and rate comes to stereo at the model's rate, and back to its speakers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retake.engines.ltx.layouts import SPEAKERS, from_stereo, resampled, speakers, to_stereo

RATE = 48000
AT = np.arange(RATE // 4) / RATE


def tone(hz: float, gain: float = 0.3) -> np.ndarray:
    return (gain * np.sin(2 * np.pi * hz * AT)).astype(np.float32)


def source(layout: str, **gains: float) -> np.ndarray:
    """Return noise on the named speakers of a layout, silence on the others."""
    chance = np.random.default_rng(3)
    rows = [gains.get(name, 0.0) * chance.standard_normal(AT.size) for name in SPEAKERS[layout]]
    return np.stack(rows).astype(np.float32)


def made() -> np.ndarray:
    """Return new stereo: a voice in the middle, something on the left, low thunder."""
    return np.stack([tone(700) + tone(1900) + tone(60), tone(700) + tone(60)])


def power(channel: np.ndarray) -> float:
    return float(np.mean(channel.astype(float) ** 2))


@pytest.mark.parametrize("layout", [name for name in SPEAKERS if name != "mono"])
def test_what_is_spread_over_speakers_mixes_down_to_itself(layout: str) -> None:
    context = source(layout, **dict.fromkeys(SPEAKERS[layout], 0.1))
    spread = from_stereo(made(), context, layout)
    assert spread.shape == (len(SPEAKERS[layout]), AT.size)
    assert np.abs(to_stereo(spread, layout) - made()).max() < 1e-6


def test_stereo_stays_the_very_same_and_mono_is_both_sides() -> None:
    stereo = made()
    assert np.array_equal(to_stereo(stereo, "stereo"), stereo)
    assert np.array_equal(from_stereo(stereo, source("stereo"), "stereo"), stereo)
    mono = stereo[:1]
    assert np.array_equal(to_stereo(mono, "mono"), np.repeat(mono, 2, axis=0))
    assert np.array_equal(from_stereo(to_stereo(mono), mono), mono)


def test_speech_stays_in_the_centre_where_it_was_there() -> None:
    spoken = from_stereo(made(), source("5.1", FC=0.3, FL=0.001, FR=0.001), "5.1")
    left, right, centre = spoken[:3]
    assert power(centre) > 10 * power(right)
    assert power(left) > power(right)
    phantom = from_stereo(made(), source("5.1", FL=0.3, FR=0.3), "5.1")
    assert power(phantom[2]) == 0
    assert power(phantom[1]) > 0


def test_the_low_channel_plays_only_lows_and_only_where_it_did() -> None:
    assert power(from_stereo(made(), source("5.1", FL=0.2, FR=0.2), "5.1")[3]) == 0
    context = source("5.1", FL=0.2, FR=0.2, LFE=0.05)
    low = from_stereo(made(), context, "5.1")[3]
    spectrum = np.abs(np.fft.rfft(low))
    hertz = np.fft.rfftfreq(low.size, 1 / RATE)
    assert spectrum[hertz < 200].max() > 100 * spectrum[hertz > 500].max()


def test_surrounds_play_the_sides_as_far_as_they_played_before() -> None:
    quiet = from_stereo(made(), source("5.1(side)", FL=0.2, FR=0.2), "5.1(side)")
    loud = from_stereo(made(), source("5.1(side)", FL=0.2, FR=0.2, SL=0.1, SR=0.1), "5.1(side)")
    assert power(quiet[4]) == power(quiet[5]) == 0
    assert power(loud[4]) > 0
    assert np.array_equal(loud[4], -loud[5])


def test_going_down_the_centre_counts_half_to_each_side_and_lows_not_at_all() -> None:
    voice = source("5.1", FC=0.2)
    down = to_stereo(voice, "5.1")
    assert np.allclose(down, voice[2] * 2**-0.5, atol=1e-6)
    assert power(to_stereo(source("5.1", LFE=0.2), "5.1")[0]) == 0
    # The same six channels mean something else in another layout.
    assert power(to_stereo(source("6.0", BC=0.2), "6.0")[0]) > 0


@pytest.mark.parametrize("channels", range(1, 12))
def test_a_layout_without_a_name_has_speakers_and_a_way_back(channels: int) -> None:
    assert len(speakers("", channels)) == len(speakers("9.9", channels)) == channels
    context = np.zeros((channels, 100), np.float32)
    assert to_stereo(context).shape == (2, 100)
    assert from_stereo(made(), context).shape == (channels, AT.size)
    assert from_stereo(made(), context[:, :0]).shape == (channels, AT.size)


@settings(max_examples=25)
@given(
    st.sampled_from([8000, 11025, 16000, 22050, 32000, 44100, 48000, 88200, 96000, 12345]),
    st.sampled_from([16000, 44100, 48000]),
    st.integers(0, 3000),
)
def test_a_resampled_sound_lasts_as_long(rate_in: int, rate_out: int, samples: int) -> None:
    out = resampled(np.ones((2, samples), np.float32), rate_in, rate_out)
    assert out.shape == (2, round(samples * rate_out / rate_in))
    assert out.dtype == np.float32
    assert resampled(out, rate_out, rate_in, samples).shape == (2, samples)


@pytest.mark.parametrize(("rate_in", "rate_out"), [(44100, 48000), (48000, 16000), (16000, 48000)])
def test_a_tone_keeps_its_pitch_its_level_and_its_place(rate_in: int, rate_out: int) -> None:
    def at(rate: int) -> np.ndarray:
        return 0.5 * np.sin(2 * np.pi * 1234 * np.arange(rate) / rate)

    out = resampled(at(rate_in)[None].astype(np.float32), rate_in, rate_out)[0]
    middle = slice(rate_out // 10, -rate_out // 10)
    assert np.abs(out[middle] - at(rate_out)[middle]).max() < 1e-4


@pytest.mark.parametrize(("hz", "kept"), [(7000, True), (8200, False), (11000, False)])
def test_what_the_lower_rate_cannot_hold_is_gone(hz: int, kept: bool) -> None:
    high = (0.5 * np.sin(2 * np.pi * hz * np.arange(RATE) / RATE)).astype(np.float32)
    left = power(resampled(high[None], RATE, 16000)[0][1600:-1600]) / power(high)
    assert left > 0.98 if kept else left < 1e-8
