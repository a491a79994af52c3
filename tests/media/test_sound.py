"""Sound is read on the sample: where it lies in its stream, with silence where there is none."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from retake.core.errors import BadSource
from retake.core.request import Limits
from retake.core.source import AudioStream
from retake.media.probe import probe
from retake.media.sound import read_sound, sample_at
from tests.clips import make_clip

EXACT = {"pcm.mov": "pcm_s16le", "pcm24.mov": "pcm_s24le", "flac.mkv": "flac", "alac.mp4": "alac"}
LOSSY = {
    "aac.mp4": "aac",
    "aac.mkv": "aac",
    "opus.mkv": "libopus",
    "mp3.mp4": "libmp3lame",
    "aac.mov": "aac",
}
SECONDS = 2


@pytest.fixture(scope="module")
def wave() -> NDArray[np.float32]:
    """Return a chirp that looks like itself at no other place."""
    t = np.arange(SECONDS * 48000) / 48000
    left = 0.4 * np.sin(2 * np.pi * (200 + 900 * t) * t)
    return np.stack([left, -0.5 * left]).astype(np.float32)


@pytest.fixture(scope="module")
def heard(
    wave: NDArray[np.float32], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], tuple[Path, AudioStream]]:
    folder = tmp_path_factory.mktemp("sound")
    made: dict[str, tuple[Path, AudioStream]] = {}

    def make(name: str) -> tuple[Path, AudioStream]:
        if name not in made:
            codec = (EXACT | LOSSY)[name]
            path = make_clip(folder / name, seconds=SECONDS, audio=codec, sound=wave)
            made[name] = path, probe(path, Limits()).audio[0]
        return made[name]

    return make


@pytest.mark.parametrize("name", EXACT)
def test_lossless_sound_is_read_exactly(
    heard: Callable[[str], tuple[Path, AudioStream]], wave: NDArray[np.float32], name: str
) -> None:
    found = read_sound(*heard(name), Fraction(0), Fraction(SECONDS))
    assert found.shape == wave.shape
    assert np.abs(found - wave).max() < 2**-15


@pytest.mark.parametrize("name", LOSSY)
def test_lossy_sound_is_read_at_its_place(
    heard: Callable[[str], tuple[Path, AudioStream]], wave: NDArray[np.float32], name: str
) -> None:
    found = read_sound(*heard(name), Fraction(0), Fraction(SECONDS))[0]
    middle = wave[0, 30000:60000]
    # One sample off would show: correlation falls off on either side of the right place.
    likeness = {at: float(middle @ found[30000 + at : 60000 + at]) for at in range(-3, 4)}
    assert max(likeness, key=lambda at: likeness[at]) == 0


@settings(max_examples=50, deadline=None)
@given(data=st.data(), name=st.sampled_from(["pcm.mov", "aac.mp4", "flac.mkv", "opus.mkv"]))
def test_any_interval_is_a_part_of_the_whole(
    heard: Callable[[str], tuple[Path, AudioStream]], data: st.DataObject, name: str
) -> None:
    path, audio = heard(name)
    times = st.fractions(Fraction(-1), Fraction(SECONDS + 1), max_denominator=1000)
    start, end = sorted((data.draw(times), data.draw(times)))
    whole = read_sound(path, audio, Fraction(-2), Fraction(SECONDS + 2))
    origin = sample_at(audio, Fraction(-2))
    found = read_sound(path, audio, start, end)
    first, last = sample_at(audio, start) - origin, sample_at(audio, end) - origin
    assert found.shape == (2, last - first)
    assert np.array_equal(found, whole[:, first:last])


def test_there_is_silence_where_there_is_no_sound(
    heard: Callable[[str], tuple[Path, AudioStream]],
) -> None:
    found = read_sound(*heard("pcm.mov"), Fraction(SECONDS), Fraction(SECONDS + 1))
    assert found.shape == (2, 48000)
    assert not found.any()


def test_six_channels_and_other_rates_are_read(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mov", seconds=1, audio="pcm_s16le", channels=6, rate=44100)
    found = read_sound(path, probe(path, Limits()).audio[0], Fraction(0), Fraction(1))
    assert found.shape == (6, 44100)
    assert all(np.abs(channel).max() > 0.19 for channel in found)


@settings(max_examples=100)
@given(
    times=st.lists(st.fractions(-3, 30, max_denominator=90000), min_size=2, max_size=5),
    start=st.fractions(-1, 1, max_denominator=48000),
    rate=st.sampled_from([22050, 44100, 48000, 96000]),
)
def test_neighbouring_intervals_add_up(times: list[Fraction], start: Fraction, rate: int) -> None:
    audio = AudioStream(0, "aac", None, rate, 2, "stereo", Fraction(1, rate), start, Fraction(9), 0)
    marks = sorted(times)
    lengths = [sample_at(audio, b) - sample_at(audio, a) for a, b in pairwise(marks)]
    assert min(lengths) >= 0
    assert sum(lengths) == sample_at(audio, marks[-1]) - sample_at(audio, marks[0])
    exact = (marks[-1] - marks[0]) * rate
    assert abs(sum(lengths) - exact) <= 1


@pytest.mark.parametrize("name", ["aac.mp4", "flac.mkv"])
def test_a_packet_that_cannot_be_decoded_is_silent_and_moves_nothing(
    heard: Callable[[str], tuple[Path, AudioStream]], tmp_path: Path, name: str
) -> None:
    path, audio = heard(name)
    with av.open(path) as container:
        lost = [p for p in container.demux(audio=0) if p.size][10]
        data, start = bytes(lost), lost.pts * Fraction(lost.time_base)
        length = lost.duration * Fraction(lost.time_base)
    broken = tmp_path / name
    broken.write_bytes(path.read_bytes().replace(data, b"\xff" * len(data)))
    whole = read_sound(path, audio, Fraction(0), Fraction(SECONDS))
    found = read_sound(broken, audio, Fraction(0), Fraction(SECONDS))
    # What overlaps with a lost packet of AAC is lost, too.
    first, last = (round((t) * 48000) for t in (start - length, start + 2 * length))
    assert np.array_equal(found[:, :first], whole[:, :first])
    # The decoder makes up its noise anew; sound at another place would differ by far more.
    assert np.abs(found[:, last:] - whole[:, last:]).max() < 2**-5
    middle = round((start + length / 2) * 48000)
    assert np.abs(found[:, middle - 300 : middle + 300]).max() < np.abs(whole).max()


def test_sound_of_which_nothing_can_be_decoded_is_damaged(
    heard: Callable[[str], tuple[Path, AudioStream]], tmp_path: Path
) -> None:
    path, audio = heard("flac.mkv")
    data = path.read_bytes()
    with av.open(path) as container:
        for packet in container.demux(audio=0):
            if packet.size:
                data = data.replace(bytes(packet), b"\xff" * packet.size)
    broken = tmp_path / "broken.mkv"
    broken.write_bytes(data)
    with pytest.raises(BadSource) as caught:
        read_sound(broken, audio, Fraction(0), Fraction(SECONDS))
    assert caught.value.code == "damaged"
