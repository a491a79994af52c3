"""The track of sound that is edited is the one that was asked for, or the file's own choice."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from retake.core.errors import BadRequest
from retake.core.source import AudioStream, Colour, Source, VideoStream
from retake.core.tracks import check_audio_track, edited


def sound(index: int, language: str | None) -> AudioStream:
    start, second = Fraction(0), Fraction(1)
    base = Fraction(1, 48000)
    return AudioStream(
        index, "aac", "LC", 48000, 2, "stereo", base, start, second, 1024, None, language
    )


def source(*audio: AudioStream) -> Source:
    video = VideoStream(
        index=0,
        codec="h264",
        profile=None,
        pix_fmt="yuv420p",
        bit_depth=8,
        width=64,
        height=64,
        rotation=0,
        sample_aspect_ratio=Fraction(1),
        frame_rate=Fraction(24),
        time_base=Fraction(1, 24),
        pts=(0, 1),
        end_pts=2,
        colour=Colour(full_range=False, primaries=2, transfer=2, matrix=2),
    )
    return Source("matroska,webm", video, audio, 0, 1000)


# As probe gives them: the file's default track first.
THREE = source(sound(2, "deu"), sound(1, "eng"), sound(4, None))


@pytest.mark.parametrize(
    ("wanted", "index"),
    [(None, 2), (1, 1), (2, 2), (3, 4), ("eng", 1), ("en", 1), ("de", 2), ("ger", 2), ("deu", 2)],
)
def test_a_track_is_found_by_number_and_by_language(wanted: int | str | None, index: int) -> None:
    chosen = edited(THREE, wanted)
    assert chosen.audio[0].index == index
    assert {audio.index for audio in chosen.audio} == {1, 2, 4}
    assert chosen.edited_track == {1: 0, 2: 1, 4: 2}[index]


@pytest.mark.parametrize("wanted", [4, "fra"])
def test_a_track_that_is_not_there_is_answered_with_those_that_are(wanted: int | str) -> None:
    with pytest.raises(BadRequest) as caught:
        edited(THREE, wanted)
    assert (caught.value.code, caught.value.param) == ("unknown_audio_track", "audio_track")
    assert "1 (eng, aac), 2 (deu, aac), 3 (no language, aac)" in caught.value.message


def test_a_video_without_sound_says_so() -> None:
    with pytest.raises(BadRequest, match="no sound"):
        edited(source(), 1)


@pytest.mark.parametrize(("value", "read"), [(2, 2), ("2", 2), (" ENG ", "eng"), (None, None)])
def test_numbers_and_languages_are_read(value: Any, read: Any) -> None:
    assert check_audio_track({"audio_track": value}) == read


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (0, "unknown_audio_track"),
        (-1, "unknown_audio_track"),
        ("english", "unknown_audio_track"),
        ("", "unknown_audio_track"),
        (1.5, "wrong_type"),
        (True, "wrong_type"),
    ],
)
def test_anything_else_is_refused(value: Any, code: str) -> None:
    with pytest.raises(BadRequest) as caught:
        check_audio_track({"audio_track": value})
    assert caught.value.code == code
