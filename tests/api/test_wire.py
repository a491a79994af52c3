"""What a parser would take in without end is bounded, and one answer never garbles another."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path

from tests.api.live import API, Live, live
from tests.api.refusals import POST

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


def received(connection: socket.socket) -> bytes:
    answer = b""
    try:
        while more := connection.recv(65536):
            answer += more
    except ConnectionResetError:
        pass
    return answer


def refused(answer: bytes) -> str:
    assert answer.startswith(b"HTTP/1.1 400"), answer[:200]
    return json.loads(answer.partition(b"\r\n\r\n")[2])["code"]


def test_a_head_without_end_is_cut_however_it_comes(shared: Live) -> None:
    pieces = {
        "a header": b"a" * 1000,
        "headers": b"X-A: b\r\n" * 100,
        "a path": b"",
    }
    for name, piece in pieces.items():
        start = b"GET /" if name == "a path" else b"GET / HTTP/1.1\r\nHost: x\r\n"
        start += b"X: " if name == "a header" else b""
        with socket.create_connection(("127.0.0.1", shared.port), timeout=5) as connection:
            connection.sendall(start)
            try:
                for _ in range(200):
                    connection.sendall(piece or b"a" * 1000)
                    time.sleep(0.0005)
            except OSError:
                pass
            assert refused(received(connection)) == "bad_http", name


def test_trailers_without_end_are_cut(shared: Live) -> None:
    head = f"POST {POST} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {shared.key}\r\n"
    with socket.create_connection(("127.0.0.1", shared.port), timeout=5) as connection:
        connection.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n".encode())
        try:
            for _ in range(200):
                connection.sendall(b"X-T: " + b"t" * 1000 + b"\r\n")
        except OSError:
            pass
        answer = received(connection)
    assert answer.startswith(b"HTTP/1.1 400"), answer[:200]


def test_a_trailer_is_no_header(shared: Live) -> None:
    answer = shared.talk(
        f"POST {POST} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        f"2\r\n{{}}\r\n0\r\nAuthorization: Bearer {shared.key}\r\n\r\n".encode(),
        whole=True,
    )
    assert answer.startswith(b"HTTP/1.1 401"), answer[:200]


def test_line_breaks_between_requests_keep_no_connection_open(tmp_path: Path) -> None:
    with (
        live(tmp_path, head_s=0.5) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection,
    ):
        connection.sendall(HEALTH)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        began = time.monotonic()
        try:
            while time.monotonic() - began < 4:
                connection.sendall(b"\r\n")
                time.sleep(0.05)
        except OSError:
            pass
        assert time.monotonic() - began < 3


def test_requests_that_are_sent_together_are_answered_in_order(shared: Live) -> None:
    one = f"GET {API}/requests HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {shared.key}\r\n\r\n"
    last = HEALTH.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    answers = shared.talk(HEALTH + one.encode() + last, whole=False).split(b"HTTP/1.1 ")[1:]
    assert [answer[:3] for answer in answers] == [b"200", b"200", b"200"]
    assert b'"total"' in answers[1]


def test_garbage_behind_a_call_whose_answer_goes_on_does_not_garble_it(shared: Live) -> None:
    head = f"GET {API}/requests/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {shared.key}"
    with socket.create_connection(("127.0.0.1", shared.port), timeout=5) as connection:
        connection.sendall(f"{head}\r\n\r\n".encode())
        answer = connection.recv(65536)
        connection.sendall(b"\x00garbage\r\n\r\n")
        answer += received(connection)
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_a_length_beside_chunks_is_refused(shared: Live) -> None:
    head = f"POST {POST} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {shared.key}\r\n"
    both = "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    assert refused(shared.talk((head + both).encode(), whole=False)) == "bad_http"


def test_the_head_of_an_answer_comes_with_its_body(shared: Live) -> None:
    with socket.create_connection(("127.0.0.1", shared.port), timeout=5) as connection:
        for _ in range(5):
            connection.sendall(HEALTH)
            assert connection.recv(65536).partition(b"\r\n\r\n")[2].startswith(b"{")
