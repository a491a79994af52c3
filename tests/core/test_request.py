"""A payload becomes a request, or an error that names the parameter."""

import json
import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retake.core.errors import BadRequest, RetakeError
from retake.core.request import Limits, Mode, check_payload

LIMITS = Limits()
GOOD = {"video_uri": "https://example.com/a.mp4"}


NULLS = dict.fromkeys(["start_time", "duration", "prompt", "mode", "seed", "options"])


@pytest.mark.parametrize("payload", [GOOD, GOOD | NULLS])
def test_what_is_missing_or_null_gets_the_page_s_defaults(payload):
    request, warnings = check_payload(payload, LIMITS)
    assert (request.start_time, request.duration) == (0, 5)
    assert request.mode is Mode.AUDIO_AND_VIDEO
    assert request.prompt == ""
    assert warnings == ()


def test_a_decimal_stays_the_decimal_that_was_sent():
    request, _ = check_payload(GOOD | json.loads('{"start_time": 2.1}'), LIMITS)
    assert request.start_time == Fraction(21, 10)


def test_an_unknown_key_is_accepted_and_told():
    _, warnings = check_payload(GOOD | {"colour": "red"}, LIMITS)
    assert warnings == ("unknown parameter 'colour' was ignored",)


@pytest.mark.parametrize(
    ("changed", "code", "param"),
    [
        ({"video_uri": None}, "wrong_type", "video_uri"),
        ({"video_uri": " "}, "wrong_type", "video_uri"),
        ({"video_uri": "http://a/\x00"}, "control_character", "video_uri"),
        ({"video_uri": "http://a/\udc00"}, "control_character", "video_uri"),
        ({"video_uri": "h" * 9000}, "uri_too_long", "video_uri"),
        ({"start_time": -0.5}, "start_negative", "start_time"),
        ({"start_time": math.nan}, "not_finite", "start_time"),
        ({"start_time": math.inf}, "not_finite", "start_time"),
        ({"start_time": "1"}, "wrong_type", "start_time"),
        ({"start_time": True}, "wrong_type", "start_time"),
        ({"duration": 1.999}, "duration_too_short", "duration"),
        ({"duration": -math.inf}, "not_finite", "duration"),
        ({"duration": []}, "wrong_type", "duration"),
        ({"mode": "replace_all"}, "unknown_mode", "mode"),
        ({"mode": 3}, "wrong_type", "mode"),
        ({"prompt": "x" * 5001}, "prompt_too_long", "prompt"),
        ({"prompt": "a\x07b"}, "control_character", "prompt"),
        ({"prompt": "\ud800"}, "control_character", "prompt"),
        ({"prompt": 1}, "wrong_type", "prompt"),
        ({"seed": -1}, "seed_out_of_range", "seed"),
        ({"seed": 2**32}, "seed_out_of_range", "seed"),
        ({"seed": 1.5}, "wrong_type", "seed"),
        ({"options": []}, "wrong_type", "options"),
    ],
)
def test_each_bad_parameter_is_named(changed, code, param):
    with pytest.raises(BadRequest) as caught:
        check_payload(GOOD | changed, LIMITS)
    assert (caught.value.code, caught.value.param) == (code, param)


def test_a_missing_video_uri_is_named():
    with pytest.raises(BadRequest) as caught:
        check_payload({}, LIMITS)
    assert (caught.value.code, caught.value.param) == ("missing", "video_uri")


def test_local_use_may_allow_shorter_sections():
    short = Limits(min_section=Fraction(1, 2))
    request, _ = check_payload(GOOD | {"duration": 0.5}, short)
    assert request.duration == Fraction(1, 2)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
names = st.sampled_from(
    ["video_uri", "start_time", "duration", "prompt", "mode", "seed", "options"]
)


@given(st.dictionaries(names | st.text(), json_values))
def test_no_payload_does_more_than_be_refused(payload):
    try:
        request, _ = check_payload(payload, LIMITS)
    except BadRequest as error:
        assert error.message
    else:
        assert request.duration >= 2
        assert request.start_time >= 0


def test_an_error_survives_a_pipe():
    error = BadRequest("too_odd", "It is odd.", param="start_time", retryable=True)
    again = RetakeError.from_dict(json.loads(json.dumps(error.to_dict())))
    assert type(again) is BadRequest
    assert again.to_dict() == error.to_dict()
