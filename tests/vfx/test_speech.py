"""Lines are spoken inside the section, over everything else, by the voice in the package."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator

import numpy as np
import pytest
from scipy import signal

from retake.core.request import Mode
from retake.core.watch import Watch
from retake.engines.engine import Sound
from retake.engines.vfx import speech
from retake.engines.vfx.plan import Cue, Line, PromptPlan
from retake.engines.vfx.sound.mix import make_sound
from retake.engines.vfx.sound.waves import RATE
from retake.engines.vfx.speech import speak

LONG = (
    "We have to leave this place before the sun goes down, because nobody knows what will come out "
    "of the forest when the light has gone, and I do not want to be the one who finds out."
)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def refused(*_: object) -> None:
        raise AssertionError("speech must not open a connection")

    monkeypatch.setattr(socket.socket, "connect", refused)
    yield


def test_a_line_begins_when_it_is_told_and_repeats() -> None:
    line = (Line("Hello there.", 1.0),)
    wave, notes = speak(line, 4.0, 7, Watch())
    again, _ = speak(line, 4.0, 7, Watch())
    assert wave is not None
    assert notes == []
    assert np.array_equal(wave, again if again is not None else 0)
    loud = np.flatnonzero(np.abs(wave) > 0.05) / RATE
    assert 0.98 < loud[0] < 1.4
    assert 1.3 < loud[-1] < 3


def test_a_line_has_the_bands_of_a_voice() -> None:
    wave, _ = speak((Line("The quick brown fox jumps over the lazy dog.", 0.1),), 4.0, 7, Watch())
    assert wave is not None
    power = np.abs(np.fft.rfft(wave)) ** 2
    hz = np.fft.rfftfreq(len(wave), 1 / RATE)
    total = power.sum()
    assert power[(hz > 120) & (hz < 4500)].sum() > 0.85 * total
    assert power[(hz > 1200) & (hz < 4500)].sum() > 0.01 * total
    assert power[hz < 60].sum() < 0.01 * total


def test_lines_do_not_talk_over_each_other() -> None:
    one, _ = speak((Line("This is the first one.", 0.2),), 6.0, 7, Watch())
    both, _ = speak(
        (Line("This is the first one.", 0.2), Line("This is the second.", 0.3)), 6.0, 7, Watch()
    )
    assert one is not None
    assert both is not None
    end = int(np.flatnonzero(one)[-1])
    assert np.array_equal(one[:end], both[:end])
    assert np.abs(both[end + RATE // 4 :]).max() > 0.1


def test_a_late_line_moves_forward_and_a_long_one_is_cut_at_a_word_and_told() -> None:
    late, notes = speak((Line("Good morning, everybody.", 2.8),), 3.0, 7, Watch())
    assert late is not None
    assert "moved forward" in notes[0]
    long, notes = speak((Line(LONG, 0.3),), 3.0, 7, Watch())
    assert long is not None
    assert len(long) == 3 * RATE
    assert not long[-int(0.05 * RATE) :].any()
    said = notes[0].rpartition("up to “")[2].rstrip(".”")
    assert said
    assert LONG.startswith(said)


def test_a_line_in_another_script_is_told_not_to_be_spoken() -> None:
    wave, notes = speak((Line("こんにちは", 0.3),), 3.0, 7, Watch())
    assert wave is None or wave.any()
    if wave is None:
        assert "English" in notes[0]


def test_a_voice_that_cannot_be_loaded_costs_nothing_but_the_speech(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    speech.load_voice.cache_clear()
    monkeypatch.setitem(sys.modules, "hibari", None)
    wave, notes = speak((Line("Hello.", 0.3),), 3.0, 7, Watch())
    speech.load_voice.cache_clear()
    assert wave is None
    assert "could not be loaded" in notes[0]


def test_a_line_is_heard_over_a_fire_and_the_music_steps_back() -> None:
    rate, seconds = 48000, 5
    t = np.arange(rate * (seconds + 2)) / rate
    tone = np.stack([0.1 * np.sin(2 * np.pi * 10000 * t)] * 2).astype(np.float32)
    cue = Cue("fire", 1.0, 0.0, 5.0)
    plan = PromptPlan("", (cue,), (cue,), lines=(Line("Get out of here, now!", 2.0),))
    sound, _ = make_sound(
        plan, Sound(tone, rate), rate, rate * seconds, rate, 2, Mode.AUDIO_AND_VIDEO, 7, Watch()
    )
    section = t[: rate * seconds]
    carrier = np.exp(-2j * np.pi * 10000 * section)
    level = np.abs(np.convolve(sound.samples[0] * carrier, np.ones(4800) / 4800, "same")) * 2
    lowered = level[int(2.4 * rate)] / level[int(1.2 * rate)]
    assert lowered < 0.6
    voiced = signal.sosfilt(
        signal.butter(4, [300, 4000], "band", fs=rate, output="sos"), sound.samples
    )
    speaking = voiced[:, int(2.1 * rate) : int(3.0 * rate)]
    before = voiced[:, int(1.0 * rate) : int(1.8 * rate)]
    assert np.sqrt(np.mean(speaking**2)) > 2 * lowered * np.sqrt(np.mean(before**2))


def test_in_a_film_s_layout_the_voice_stands_in_the_middle() -> None:
    plan = PromptPlan("", (), (), lines=(Line("Hello there.", 0.2),))
    sound, _ = make_sound(plan, None, 0, 96000, 48000, 6, Mode.AUDIO, 7, Watch())
    assert np.abs(sound.samples[2]).max() > 0.05
    assert not sound.samples[[0, 1, 3, 4, 5]].any()
