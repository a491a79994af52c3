"""Bodies that are no JSON object, or not one that can be worked with."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retake.api.body import MAX_DEPTH
from tests.api.live import MODEL, Live
from tests.api.refusals import POST, checked, sent, with_payload

pytestmark = pytest.mark.usefixtures("nothing_is_stored")


def a_body(payload: str) -> bytes:
    uri = '"video_uri":"https://example.com/v.mp4"'
    return f'{{"model":"{MODEL}","payload":{{{uri},{payload}}}}}'.encode()


BAD_BODIES: list[tuple[bytes, str]] = [
    (b"", "bad_json"),
    (b"{", "bad_json"),
    (b'{"model":', "bad_json"),
    (b"{'model':1}", "bad_json"),
    (b'{"model":1,}', "bad_json"),
    (b'{"a":1}{"b":2}', "bad_json"),
    (b"model=x&payload=y", "bad_json"),
    (b'{"a":"\x01"}', "bad_json"),
    (b'{"a":01}', "bad_json"),
    (b"null", "not_an_object"),
    (b"[]", "not_an_object"),
    (b'"text"', "not_an_object"),
    (b"5", "not_an_object"),
    (b"true", "not_an_object"),
    (b'{"model":"\xff"}', "bad_utf8"),
    (b'{"model":"\xed\xa0\x80"}', "bad_utf8"),
    ('{"model":"x"}'.encode("utf-16"), "bad_utf8"),
    (b'\xef\xbb\xbf{"model":"x"}', "bad_json"),
    (a_body('"duration":NaN'), "not_finite"),
    (a_body('"duration":Infinity'), "not_finite"),
    (a_body('"start_time":-Infinity'), "not_finite"),
    (a_body('"duration":1e400'), "number_too_large"),
    (a_body('"duration":-1e400'), "number_too_large"),
    (a_body('"duration":' + "9" * 10_000), "number_too_large"),
    (a_body('"duration":' + "9" * 60_000), "number_too_large"),
    (a_body('"seed":18446744073709551616'), "number_too_large"),
    (a_body('"unknown":' + "1" * 25), "number_too_large"),
    (a_body('"duration":5,"duration":6'), "duplicate_key"),
    (b'{"model":"a","model":"b"}', "duplicate_key"),
    (a_body('"unknown":{"a":1,"a":1}'), "duplicate_key"),
    (a_body(r'"prompt":"\ud800"'), "bad_unicode"),
    (a_body(r'"\udfff":1'), "bad_unicode"),
    (a_body(r'"unknown":["\ud83d"]'), "bad_unicode"),
    (b"[" * 30_000, "too_deep"),
    (b'{"a":' * 10_000, "too_deep"),
    (a_body('"unknown":' + "[" * MAX_DEPTH + "]" * MAX_DEPTH), "too_deep"),
    (a_body('"unknown":' + "[" * 20_000 + "]" * 20_000), "too_deep"),
]


@pytest.mark.parametrize(("body", "code"), BAD_BODIES, ids=lambda value: repr(value)[:40])
def test_a_bad_body_is_refused(shared: Live, body: bytes, code: str) -> None:
    assert checked(sent(shared, body), 400)["code"] == code


def test_many_duplicate_keys_take_no_time(shared: Live) -> None:
    keys = ",".join(f'"{n}":0' for n in range(6000))
    body = f'{{{keys},"5999":1}}'.encode()
    answer = sent(shared, body)
    assert checked(answer, 400)["code"] == "duplicate_key"
    assert answer.elapsed.total_seconds() < 1


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "text/html",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "application/xml",
        "application/json; charset=latin-1",
        "application/json; charset=utf-16",
        "video/mp4",
        "nonsense",
        "ümlaut",
    ],
)
def test_another_content_type_is_refused(shared: Live, kind: str) -> None:
    body = json.dumps(with_payload()).encode()
    answer = shared.client.post(POST, content=body, headers=[(b"Content-Type", kind.encode())])
    assert checked(answer, 415)["code"] == "wrong_content_type"


@pytest.mark.parametrize(
    "kind",
    ["application/json", "application/json; charset=UTF-8", 'Application/JSON;charset="utf-8"',
     "application/vnd.api+json", "text/json"],
)  # fmt: skip
def test_every_way_to_say_json_is_accepted(shared: Live, kind: str) -> None:
    assert checked(sent(shared, b"{}", Content_Type=kind), 400)["code"] == "missing"


def test_a_compressed_body_is_refused(shared: Live) -> None:
    answer = sent(shared, b"{}", Content_Encoding="gzip")
    assert checked(answer, 415)["code"] == "wrong_content_type"


def test_a_body_over_the_limit_is_refused_with_and_without_a_length(shared: Live) -> None:
    body = b" " * (shared.parts.max_body_bytes + 1)
    assert checked(sent(shared, body), 413)["code"] == "body_too_large"

    def chunks() -> Any:
        for _ in range(100):
            yield b" " * 10_000

    answer = shared.client.post(POST, content=chunks())
    assert checked(answer, 413)["code"] == "body_too_large"


def test_a_body_of_exactly_the_limit_is_read(shared: Live) -> None:
    body = b"{}" + b" " * (shared.parts.max_body_bytes - 2)
    assert checked(sent(shared, body), 400)["code"] == "missing"


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_but_never_a_500(shared: Live, body: bytes) -> None:
    checked(sent(shared, body))
