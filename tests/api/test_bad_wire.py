"""Lies, garbage and slowness on the connection itself."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.live import API, Live, live
from tests.api.refusals import POST

pytestmark = pytest.mark.usefixtures("nothing_is_stored")


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


@pytest.mark.parametrize("line", ["GARBAGE", "GET / HTTP/x.9", "GET / x HTTP/1.1", "\x16\x03\x01"])
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
