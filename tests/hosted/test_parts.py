"""The parts of the engine hosted by themselves: windows, clips, sound, journal, vault."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retake.core.errors import EngineFailed
from retake.core.request import Limits
from retake.core.source import Colour
from retake.core.timing import FrameRange
from retake.engines.engine import Sound
from retake.engines.hosted.journal import Journal
from retake.engines.hosted.window import Accepted, window_for
from retake.media.clip import clip_sound, frames_at, nearest
from retake.media.clip_writing import ClipForm, write_clip
from retake.media.probe import probe
from retake.queue.vault import Vault
from tests.clips import frame_number, picture, tone

SDR = Colour(full_range=False, primaries=1, transfer=1, matrix=1)


@st.composite
def shots(draw):
    """Draw a shot's times, section and duration: gaps of any sizes, the section anywhere."""
    gaps = draw(
        st.lists(
            st.fractions(Fraction(1, 120), Fraction(1, 2), max_denominator=90000),
            min_size=4,
            max_size=200,
        )
    )
    first = draw(st.integers(0, len(gaps) - 2))
    last = draw(st.integers(first + 1, len(gaps) - 1))
    bounds = [Fraction(0)]
    for gap in gaps:
        bounds.append(bounds[-1] + gap)
    times = [time - bounds[first] for time in bounds]
    return times[:-1], FrameRange(first, last), times[last], gaps[-1]


@given(shots())
def test_what_is_asked_for_covers_the_section_and_is_accepted(shot) -> None:
    times, section, duration, last_frame = shot
    accepted = Accepted()
    try:
        window = window_for(times, section, duration, last_frame, accepted)
    except EngineFailed as error:
        whole = times[-1] + last_frame - times[0]
        assert (error.code == "upstream_too_long") == (duration > accepted.max_seconds)
        assert (
            error.code == "upstream_too_long"
            or whole < accepted.min_section
            or (duration < accepted.min_section)
        )
        return
    bounds = [*times, times[-1] + last_frame]
    length = bounds[window.frames.end] - window.opens
    assert window.frames.start <= section.start < section.end <= window.frames.end
    assert window.opens == times[window.frames.start]
    assert length <= accepted.max_seconds
    assert window.duration >= accepted.min_section
    assert 0 <= window.start <= -window.opens
    assert window.start + window.duration >= -window.opens + duration
    # It may end a rounding past the clip's end, where every server cuts it.
    assert window.start + window.duration <= length + Fraction(2, 1000)
    assert length - window.start >= accepted.min_section
    assert (window.start * 1000).denominator == 1
    assert (window.duration * 1000).denominator == 1


def test_handles_give_way_on_both_sides_where_the_whole_would_be_too_long() -> None:
    times = [Fraction(each, 10) - 5 for each in range(300)]
    window = window_for(times, FrameRange(50, 250), Fraction(20), Fraction(1, 10), Accepted())
    assert window.frames == FrameRange(45, 255)


def test_a_short_section_is_made_longer_at_its_end_first() -> None:
    times = [Fraction(n - 24, 24) for n in range(24 + 12 + 24)]
    section, half = FrameRange(24, 36), Fraction(1, 2)
    window = window_for(times, section, half, Fraction(1, 24), Accepted())
    assert (window.start, window.duration) == (Fraction(1, 2), 2)
    with pytest.raises(EngineFailed, match="upstream server accepts sections from 2 s"):
        window_for(times[12:-24], FrameRange(12, 24), half, Fraction(1, 24), Accepted())


@given(
    have=st.lists(st.fractions(0, 20), min_size=1, max_size=50, unique=True).map(sorted),
    wanted=st.lists(st.fractions(-1, 21), max_size=50).map(sorted),
)
def test_the_nearest_frame_is_the_nearest(have, wanted) -> None:
    for time, number in zip(wanted, nearest(have, wanted), strict=True):
        assert abs(have[number] - time) == min(abs(each - time) for each in have)


@pytest.mark.parametrize("size", [(192, 108), (191, 107)])
@pytest.mark.parametrize("deep", [False, True])
def test_a_clip_travels_and_comes_back(tmp_path: Path, size, deep) -> None:
    width, height = size
    times = [Fraction(n * 1001, 24000) for n in range(24)]
    pictures = [picture(n, width, height) for n in range(24)]
    if deep:
        pictures = [each.astype(np.uint16) * 257 for each in pictures]
    form = ClipForm(times, Fraction(24000, 1001), width, height, SDR)
    sound = tone(1, 48000, 2)
    path = tmp_path / "clip.mp4"
    write_clip(path, form, iter(pictures), sound, 48000)
    source = probe(path, Limits())
    assert source.video.times == tuple(times)
    back = list(frames_at(path, source, times[5:10], width, height, deep=deep))
    assert [frame_number(each) for each in back] == [5, 6, 7, 8, 9]
    assert back[0].shape == (height, width, 3)
    assert back[0].dtype == pictures[0].dtype
    scale = 257 if deep else 1
    off = np.abs(back[0].astype(float) - pictures[5].astype(float)) / scale
    assert off.mean() < 3
    heard, rate = clip_sound(path, source, Fraction(1, 4), Fraction(3, 4))
    assert rate == 48000
    quarter = sound[:, 12000:36000]
    assert np.sqrt(np.mean((heard - quarter) ** 2)) < 0.02
    assert list(tmp_path.iterdir()) == [path]


def test_a_clip_that_came_back_in_another_size_and_rate_is_fitted(tmp_path: Path) -> None:
    times = [Fraction(n, 12) for n in range(12)]
    form = ClipForm(times, Fraction(12), 192, 108, SDR)
    path = tmp_path / "clip.mp4"
    write_clip(path, form, (picture(n, 192, 108) for n in range(12)), None, 0)
    source = probe(path, Limits())
    wanted = [Fraction(n, 24) for n in range(24)]
    back = list(frames_at(path, source, wanted, 96, 54, deep=True))
    assert [frame_number(each) for each in back[:4]] == [0, 0, 1, 1]
    assert back[-1].shape == (54, 96, 3)
    assert back[-1].dtype == np.uint16
    assert clip_sound(path, source, Fraction(0), Fraction(1)) is None


def test_a_journal_outlives_the_process_and_names_the_same_key(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "shot")
    entry = journal.entry("http://a/api", "model")
    assert journal.known() is None
    kept = journal.keep(entry, payload={"video_uri": "x"}, request_id="r")
    again = Journal(tmp_path / "shot")
    assert again.entry("http://a/api", "model") == kept
    other = again.entry("http://b/api", "model")
    assert other.request_id is None
    assert other.idempotency_key != kept.idempotency_key
    assert Journal(tmp_path / "two").entry("http://a/api", "model").idempotency_key != (
        kept.idempotency_key
    )
    (tmp_path / "shot" / "upstream.json").write_text("{")
    assert again.known() is None


def test_the_vault_keeps_keys_for_their_requests_only_and_never_in_clear(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    vault = Vault(folder, b"s" * 32)
    assert vault.key_of("r1") is None
    assert vault.kept() == []
    vault.keep("r1", "owner", "sk-secret")
    assert Vault(folder, b"s" * 32).key_of("r1") == "sk-secret"
    assert vault.kept() == [("r1", "owner")]
    assert all(b"sk-secret" not in path.read_bytes() for path in folder.iterdir())
    assert [path.stat().st_mode & 0o077 for path in (folder, *folder.iterdir())] == [0, 0]
    assert Vault(folder, b"x" * 32).key_of("r1") is None
    (folder / "r2").write_bytes((folder / "r1").read_bytes())
    assert vault.key_of("r2") is None
    with pytest.raises(ValueError, match="no request"):
        vault.keep("../r3", "owner", "key")
    vault.forget("r1")
    assert vault.key_of("r1") is None
    assert vault.kept() == []
    assert list(folder.iterdir()) == []


def test_sound_is_fitted_to_the_shot() -> None:
    from retake.engines.hosted.sound import received_sound

    class Wanted:
        rate, channels, sound_samples = 44100, 6, 44100

    made = received_sound(Sound(tone(1, 48000, 2), 48000), Wanted())
    assert (made.samples.shape, made.rate) == ((6, 44100), 44100)
    assert np.abs(made.samples[:2]).max() > 0.15
    assert np.abs(made.samples[2:]).max() == 0
