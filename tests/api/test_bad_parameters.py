"""Parameters that cannot be: told at submit, by name."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.live import MODEL, PAYLOAD, Live
from tests.api.refusals import checked, sent, with_payload

pytestmark = pytest.mark.usefixtures("nothing_is_stored")


BAD_PARAMETERS: list[tuple[str, object, str]] = [
    ("start_time", -0.001, "start_negative"),
    ("start_time", -(2**62), "start_negative"),
    ("start_time", "3", "wrong_type"),
    ("start_time", True, "wrong_type"),
    ("start_time", [3], "wrong_type"),
    ("duration", 1.999, "duration_too_short"),
    ("duration", 0, "duration_too_short"),
    ("duration", -5, "duration_too_short"),
    ("duration", -1e308, "duration_too_short"),
    ("duration", {}, "wrong_type"),
    ("mode", "replace", "unknown_mode"),
    ("mode", "", "unknown_mode"),
    ("mode", "REPLACE_AUDIO", "unknown_mode"),
    ("mode", 1, "wrong_type"),
    ("prompt", "x" * 5001, "prompt_too_long"),
    ("prompt", "a\0b", "control_character"),
    ("prompt", "a\x1b[31mb", "control_character"),
    ("prompt", 5, "wrong_type"),
    ("video_uri", "", "wrong_type"),
    ("video_uri", "   ", "wrong_type"),
    ("video_uri", 5, "wrong_type"),
    ("video_uri", None, "wrong_type"),
    ("video_uri", "video.mp4", "bad_url"),
    ("video_uri", "file:///etc/passwd", "bad_url"),
    ("video_uri", "ftp://example.com/v.mp4", "bad_url"),
    ("video_uri", "http://", "bad_url"),
    ("video_uri", "http://[", "bad_url"),
    ("video_uri", "https://example.com/" + "a" * 9000, "uri_too_long"),
    ("video_uri", "http://example.com/\n", "control_character"),
    ("video_uri", "http://127.0.0.1/v.mp4", "blocked_address"),
    ("video_uri", "http://169.254.169.254/latest/meta-data", "blocked_address"),
    ("video_uri", "http://[::ffff:10.0.0.1]/v.mp4", "blocked_address"),
    ("video_uri", "http://0x7f000001/v.mp4", "blocked_address"),
    ("seed", -1, "seed_out_of_range"),
    ("seed", 2**32, "seed_out_of_range"),
    ("seed", 1.5, "wrong_type"),
    ("seed", "7", "wrong_type"),
    ("options", [], "wrong_type"),
    ("container", "realmedia", "unknown_container"),
    ("container", 4, "wrong_type"),
    ("video_codec", "mpeg7", "unknown_video_codec"),
    ("audio_codec", "", "unknown_audio_codec"),
    ("audio_codec", ["aac"], "wrong_type"),
    ("audio_track", 0, "unknown_audio_track"),
    ("audio_track", "english", "unknown_audio_track"),
    ("audio_track", 1.5, "wrong_type"),
]


@pytest.mark.parametrize(("param", "value", "code"), BAD_PARAMETERS)
def test_a_bad_parameter_is_named_with_its_code(
    shared: Live, param: str, value: object, code: str
) -> None:
    error = checked(sent(shared, json.dumps(with_payload(**{param: value})).encode()), 400)
    assert (error["code"], error["param"]) == (code, param)


@pytest.mark.parametrize(
    ("options", "code", "param"),
    [
        ({"nothing": 1}, "unknown_option", "options.nothing"),
        ({"scale": "1"}, "wrong_type", "options.scale"),
        ({"scale": True}, "wrong_type", "options.scale"),
        ({"scale": 4.5}, "option_out_of_range", "options.scale"),
        ({"look": "noir"}, "option_out_of_range", "options.look"),
        ({"look": ["film"]}, "wrong_type", "options.look"),
        ({"loud": 1}, "wrong_type", "options.loud"),
    ],
)
def test_a_bad_option_of_the_engine_is_refused_at_submit(
    shared: Live, options: dict[str, Any], code: str, param: str
) -> None:
    error = checked(sent(shared, json.dumps(with_payload(options=options)).encode()), 400)
    assert (error["code"], error["param"]) == (code, param)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"model": MODEL, "payload": {}}, "missing"),
        ({"model": MODEL}, "missing"),
        ({"payload": PAYLOAD}, "missing"),
        ({}, "missing"),
        ({"model": None, "payload": PAYLOAD}, "wrong_type"),
        ({"model": [MODEL], "payload": PAYLOAD}, "wrong_type"),
        ({"model": MODEL, "payload": None}, "wrong_type"),
        ({"model": MODEL, "payload": [PAYLOAD]}, "wrong_type"),
        ({"model": MODEL, "payload": "x"}, "wrong_type"),
    ],
)
def test_a_body_without_model_or_payload_is_refused(shared: Live, body: object, code: str) -> None:
    assert checked(sent(shared, json.dumps(body).encode()), 400)["code"] == code


def test_an_unknown_model_is_a_404_in_the_words_that_clients_look_for(shared: Live) -> None:
    for model in ("nothing", "", "x" * 3000, "é\0"):
        body = json.dumps({"model": model, "payload": PAYLOAD}).encode()
        error = checked(sent(shared, body), 404)
        assert error["error"] == f"model {model[:80]} does not exist"
        assert (error["code"], error["param"]) == ("unknown_model", "model")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    param=st.sampled_from([*PAYLOAD, "seed", "options", "model", "payload"]),
    value=JSON.filter(lambda value: not isinstance(value, str) or not value.startswith("http")),
)
def test_any_value_anywhere_is_accepted_or_refused_but_never_a_500(
    shared: Live, param: str, value: object
) -> None:
    # No prompt over the limit and no video: whatever else is accepted, this one is refused.
    body = with_payload(prompt="x" * 5001)
    (body if param in body else body["payload"])[param] = value
    if param in {"prompt", "payload"}:
        body["model"] = "none"
    checked(sent(shared, json.dumps(body).encode()))
