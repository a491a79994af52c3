"""Wrong keys, paths, verbs, queries and headers."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.live import API, BARE, MODEL, Live, live
from tests.api.refusals import checked

pytestmark = pytest.mark.usefixtures("nothing_is_stored")


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
        ("PROPFIND", f"{API}/requests", 405),
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


def test_a_mistake_of_the_server_is_told_without_its_inside(tmp_path: Path) -> None:
    with live(tmp_path) as server:
        server.keys.close()
        # The last one is answered before the framework's own layers.
        for path in ("models", f"requests/{'0' * 32}"):
            # uvicorn closes the connection of each.
            bearer = {"Authorization": f"Bearer {server.key}"}
            answer = httpx.get(f"{server.url}{API}/{path}", headers=bearer, trust_env=False)
            assert answer.status_code == 500
            body = answer.json()
            assert (body["code"], body["retryable"]) == ("internal", True)
            assert "sqlite" not in answer.text
            assert "Traceback" not in answer.text
            assert answer.headers["x-content-type-options"] == "nosniff"
