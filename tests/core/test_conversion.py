"""A conversion that cannot be made is refused with what would be accepted."""

from __future__ import annotations

from typing import Any

import pytest

from retake.core.containers import AUDIO_CODECS, CONTAINERS, LIKE_ONLY, VIDEO_CODECS
from retake.core.conversion import Conversion, check_conversion
from retake.core.errors import BadRequest


def refused(**payload: Any) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        check_conversion(payload)
    return caught.value


def test_nothing_is_converted_unless_it_is_asked_for() -> None:
    assert check_conversion({}) == Conversion()
    assert check_conversion({"container": None, "audio_codec": None}) == Conversion()


def test_names_are_read_whatever_their_case() -> None:
    wanted = check_conversion({"container": " MKV ", "video_codec": "HEVC", "audio_codec": "Opus"})
    assert wanted == Conversion("mkv", "hevc", "opus")


@pytest.mark.parametrize(
    ("param", "accepted"),
    [("container", CONTAINERS), ("video_codec", VIDEO_CODECS), ("audio_codec", AUDIO_CODECS)],
)
def test_an_unknown_name_is_answered_with_all_that_are_known(param: str, accepted: Any) -> None:
    error = refused(**{param: "realmedia"})
    assert (error.code, error.param) == (f"unknown_{param}", param)
    assert all(name in error.message for name in accepted)
    assert refused(**{param: 7}).code == "wrong_type"


def test_a_codec_that_the_container_does_not_hold_is_refused_with_those_it_does() -> None:
    error = refused(container="webm", video_codec="h264")
    assert (error.code, error.param) == ("codec_not_in_container", "video_codec")
    assert "WebM does not hold H.264" in error.message
    assert "vp8, vp9" in error.message or "vp9, vp8" in error.message
    assert refused(container="avi", audio_codec="opus").param == "audio_codec"


def test_every_container_has_a_codec_of_each_kind_that_can_be_asked_for() -> None:
    for name, home in CONTAINERS.items():
        if name in LIKE_ONLY:
            continue
        assert set(home.video) & set(VIDEO_CODECS)
        assert set(home.audio) & set(AUDIO_CODECS)
        # The first one is what everything else becomes in it.
        assert home.video[0] in VIDEO_CODECS
        assert home.audio[0] in AUDIO_CODECS
