"""Every bad input over HTTP: a 4xx that says what was found, and nothing half-stored."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retake.api.body import MAX_DEPTH
from tests.api.live import API, BARE, MODEL, PAYLOAD, Live, live

POST = f"{API}/requests"


def checked(answer: httpx.Response, status: int | None = None) -> dict[str, Any]:
    """Return the error that an answer tells, after making sure that it has our shape."""
    assert answer.headers["content-type"] == "application/json", answer.text
    body = answer.json()
    if status is not None:
        assert answer.status_code == status, answer.text
    assert 400 <= answer.status_code < 500, answer.text
    assert isinstance(body["error"], str)
    assert body["error"]
    assert body["detail"] == body["error"]
    assert isinstance(body["code"], str)
    assert isinstance(body["retryable"], bool)
    assert body["param"] is None or isinstance(body["param"], str)
    assert "Traceback" not in answer.text
    return body


def sent(server: Live, body: bytes, **headers: str) -> httpx.Response:
    named = {"Content-Type": "application/json"}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    return server.client.post(POST, content=body, headers=named)


def with_payload(**changes: object) -> dict[str, Any]:
    return {"model": MODEL, "payload": {**PAYLOAD, **changes}}


@pytest.fixture(autouse=True)
def _nothing_is_stored(shared: Live) -> Any:
    yield
    assert shared.client.get(POST).json()["total"] == 0


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


def test_a_length_that_lies_is_refused_before_the_body_comes(shared: Live) -> None:
    head = f"POST {POST} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {shared.key}\r\n"
    answer = shared.talk(f"{head}Content-Length: 99999999999\r\n\r\n".encode(), whole=False)
    assert answer.startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    "rest",
    [
        "Content-Length: -5\r\n\r\n{}",
        "Content-Length: five\r\n\r\n{}",
        "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}",
        "Transfer-Encoding: nonsense\r\n\r\n{}",
        "Bad Header: 1\r\n\r\n",
        "X: a\0b\r\n\r\n",
        "X: " + "a" * 70_000,
    ],
)
def test_what_is_not_http_is_told_as_json_too(shared: Live, rest: str) -> None:
    head = f"POST {POST} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {shared.key}\r\n"
    answer = shared.talk((head + rest).encode("latin-1"), whole=False)
    assert answer.startswith(b"HTTP/1.1 4"), answer
    error = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert isinstance(error["error"], str)


@pytest.mark.parametrize("line", ["GARBAGE", "GET / HTTP/x.9", "GET  / HTTP/1.1", "\x16\x03\x01"])
def test_a_bad_request_line_is_told_as_json_too(shared: Live, line: str) -> None:
    answer = shared.talk(f"{line}\r\nHost: x\r\n\r\n".encode("latin-1"), whole=False)
    assert answer.startswith(b"HTTP/1.1 400"), answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "bad_http"


@pytest.mark.parametrize("host", ["[", "[::1", "a b", "a/b", "é", "x:99999999", "<script>", "a,b"])
def test_a_host_header_that_names_no_host_is_refused(shared: Live, host: str) -> None:
    answer = shared.talk(
        f"GET {API}/requests HTTP/1.1\r\nAuthorization: Bearer {shared.key}\r\n"
        f"Connection: close\r\nHost: {host}\r\n\r\n".encode(),
        whole=False,
    )
    assert answer.startswith(b"HTTP/1.1 400"), answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] in {"bad_host", "bad_http"}


def test_a_connection_that_ends_before_its_body_stores_nothing(shared: Live) -> None:
    head = f"POST {POST} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {shared.key}\r\n"
    shared.talk(f'{head}Content-Length: 500\r\n\r\n{{"model":'.encode())


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ([], "missing_key"),
        ([(b"Authorization", b"")], "malformed_key"),
        ([(b"Authorization", b"Bearer")], "malformed_key"),
        ([(b"Authorization", b"Bearer a b")], "malformed_key"),
        ([(b"Authorization", b"Basic dXNlcjpwYXNz")], "malformed_key"),
        ([(b"Authorization", "Bearer schlüssel".encode())], "malformed_key"),
        ([(b"Authorization", b"Bearer \xff\xfe")], "malformed_key"),
        ([(b"Authorization", b"Bearer " + b"x" * 600)], "malformed_key"),
        ([(b"Authorization", b"Bearer x"), (b"Authorization", b"Bearer y")], "malformed_key"),
        ([(b"Authorization", b"Bearer rt_unknown")], "wrong_key"),
        ([(b"Authorization", b"bearer 0")], "wrong_key"),
    ],
)
def test_a_missing_malformed_or_unknown_key_is_a_401(
    shared: Live, headers: list[tuple[bytes, bytes]], code: str
) -> None:
    for method, path in (
        ("GET", f"{API}/requests"),
        ("POST", f"{API}/requests"),
        ("GET", f"{BARE}/requests/x"),
        ("DELETE", f"{API}/requests/x"),
        ("POST", f"{API}/requests/x/cancel"),
        ("GET", f"{API}/models"),
        ("GET", f"{API}/models/{MODEL}"),
        ("POST", f"{API}/upload-url"),
    ):
        answer = shared.anybody.request(method, path, headers=headers)
        assert checked(answer, 401)["code"] == code
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_revoked_key_is_refused_from_that_moment(shared: Live) -> None:
    key = shared.keys.create("for a while")
    bearer = {"Authorization": f"Bearer {key}"}
    assert shared.anybody.get(f"{API}/models", headers=bearer).status_code == 200
    shared.keys.revoke(key)
    assert checked(shared.anybody.get(f"{API}/models", headers=bearer), 401)["code"] == "wrong_key"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/api/v1", 404),
        ("POST", "/nothing", 404),
        ("GET", "/../../etc/passwd", 404),
        ("GET", "/%2e%2e/%2e%2e/etc/passwd", 404),
        ("GET", f"{API}/requests/", 404),
        ("GET", f"{API}/requests/none", 404),
        ("GET", f"{API}/requests/%00", 404),
        ("GET", f"{API}/requests/%ff%fe", 404),
        ("GET", f"{API}/requests/" + "x" * 5000, 404),
        ("GET", f"{API}/models/none", 404),
        ("DELETE", f"{API}/requests/none", 404),
        ("POST", f"{API}/requests/none/cancel", 404),
        ("PUT", f"{API}/requests", 405),
        ("DELETE", f"{API}/models", 405),
        ("GET", f"{API}/upload-url", 405),
        ("GET", f"{API}/requests/none/cancel", 405),
        ("POST", "/healthz", 405),
        ("BREW", f"{API}/requests", 405),
        ("GET", f"{API}/requests?limit=0", 400),
        ("GET", f"{API}/requests?limit=101", 400),
        ("GET", f"{API}/requests?limit=x", 400),
        ("GET", f"{API}/requests?limit=" + "9" * 6000, 400),
        ("GET", f"{API}/requests?limit=%D9%A3", 400),
        ("GET", f"{API}/requests?status=done", 400),
    ],
)
def test_a_wrong_path_verb_or_query_is_told(
    shared: Live, method: str, path: str, status: int
) -> None:
    checked(shared.client.request(method, path), status)


def test_a_wrong_verb_is_told_the_right_ones(shared: Live) -> None:
    assert "GET" in shared.client.put(f"{API}/models").headers["allow"]


@pytest.mark.parametrize("query", ["before=none", "before=%00", "before=", "model_id=%00%ff&a=%zz"])
def test_an_odd_query_lists_nothing_and_fails_nothing(shared: Live, query: str) -> None:
    answer = shared.client.get(f"{API}/requests?{query}")
    assert answer.status_code in {200, 400}


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


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_but_never_a_500(shared: Live, body: bytes) -> None:
    checked(sent(shared, body))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=300))
def test_any_bytes_on_the_wire_leave_the_server_answering(shared: Live, data: bytes) -> None:
    try:
        answer = shared.talk(data)
    except ConnectionResetError:
        answer = b""
    assert not answer.startswith(b"HTTP/1.1 5")
    assert shared.anybody.get("/healthz").status_code == 200


def test_a_body_that_comes_too_slowly_is_given_up(tmp_path: Path) -> None:
    with live(tmp_path, body_s=0.3, stall_s=0.3) as server:
        url = server.client.post(f"{API}/upload-url", json={}).json()["upload_url"]
        for method, path in (("POST", POST), ("PUT", url.removeprefix(server.url))):
            head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.key}\r\n"
            with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
                connection.sendall(f"{head}Content-Length: 500\r\n\r\n{{".encode())
                answer = connection.recv(65536)
            assert answer.startswith(b"HTTP/1.1 408"), answer
        assert not [path for path in server.data_dir.files.rglob("*") if path.is_file()]


def test_a_head_that_comes_too_slowly_is_given_up(tmp_path: Path) -> None:
    with live(tmp_path, head_s=0.4) as server:
        for began in (b"", b"GET / HT", b"GET /healthz HTTP/1.1\r\nHost: x\r\nX"):
            with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
                connection.sendall(began)
                answer = b"".join(iter(lambda: connection.recv(65536), b""))
            assert answer.startswith(b"HTTP/1.1 408"), began
            assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "slow_client"


def answered(connection: socket.socket) -> bytes:
    answer = b""
    while not answer.endswith(b"}"):
        more = connection.recv(65536)
        assert more, answer
        answer += more
    return answer


def test_a_connection_is_kept_for_the_next_request_and_its_head_has_time_again(
    tmp_path: Path,
) -> None:
    head = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    with (
        live(tmp_path, head_s=0.5) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection,
    ):
        for _ in range(3):
            connection.sendall(head[:10])
            time.sleep(0.3)
            connection.sendall(head[10:])
            assert answered(connection).startswith(b"HTTP/1.1 200")
        time.sleep(0.7)
        connection.sendall(head)
        assert answered(connection).startswith(b"HTTP/1.1 200")


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    method=st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"]),
    start=st.sampled_from(["/", f"{API}/", f"{API}/requests/", f"{API}/models/", "/files/"]),
    rest=st.text(max_size=20) | st.binary(max_size=20),
    query=st.dictionaries(st.sampled_from(["expires", "signature", "limit", "x"]), st.text()),
)
def test_any_path_and_query_is_answered_but_never_a_500(
    shared: Live, method: str, start: str, rest: str | bytes, query: dict[str, str]
) -> None:
    text = rest.encode("utf-8", "replace") if isinstance(rest, str) else rest
    encoded = quote(text, safe="/.?#" if isinstance(rest, str) else "")
    params = {name: value.encode("utf-8", "replace").decode() for name, value in query.items()}
    answer = shared.client.request(method, f"{start}{encoded}", params=params)
    assert answer.status_code < 500
    if answer.status_code >= 400 and method != "HEAD":
        checked(answer)


def test_odd_headers_are_no_error(shared: Live) -> None:
    odd = [
        (b"Accept", "Überall".encode()),
        (b"User-Agent", b"\xff\xfe"),
        (b"Accept-Language", b"x" * 5000),
        (b"Cookie", b"a=\x80; b"),
        (b"If-None-Match", b"\xff"),
        (b"Origin", "https://bücher.example".encode()),
        (b"X-Forwarded-Proto", b"gopher"),
        (b"X-Forwarded-For", "é".encode()),
        (b"Expect", b"nonsense"),
    ]
    for header in odd:
        bearer = (b"Authorization", f"Bearer {shared.key}".encode())
        answer = shared.anybody.get(f"{API}/models", headers=[bearer, header])
        assert answer.status_code in {200, 400}, header
