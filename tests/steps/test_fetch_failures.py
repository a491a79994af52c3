"""Fetches that break off, stall, are cancelled, or cannot be written."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from retake.core.errors import Cancelled, StorageFailed
from retake.core.watch import Watch
from retake.steps.fetch import FetchPolicy, fetch
from tests.steps.fetching import QUICK, VIDEO, refused
from tests.steps.origin import origin, raw, says


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + VIDEO[:3000],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n" + VIDEO[:300],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + VIDEO[:300],
        b"HTTP/1.1 200 OK\r\nContent-Length: minus\r\n\r\n" + VIDEO,
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n" + VIDEO,
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 300_000 + b"\r\n\r\n",
        b"",
    ],
)
def test_an_answer_that_breaks_off_or_is_no_http_is_interrupted(dest: Path, answer: bytes) -> None:
    with origin({"/video.mp4": raw(answer)}) as server:
        error = refused(server.url(), dest)
    assert (error.code, error.retryable) == ("interrupted", True)


def test_a_stall_times_out_in_the_head_and_in_the_body(dest: Path) -> None:
    with origin({}) as server:

        def stalls(connection: socket.socket, request: str) -> None:
            if "/body" in request:
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + VIDEO[:99])
            server.stall()

        server.talks |= {"/head": stalls, "/body": stalls}
        for path in ("/head", "/body"):
            began = time.monotonic()
            error = refused(server.url(path), dest)
            assert (error.code, error.retryable) == ("timeout", True)
            assert time.monotonic() - began < 2


def test_a_trickle_ends_at_the_total_time(dest: Path) -> None:
    policy = FetchPolicy(allow_private=True, stall_s=0.5, total_s=0.8)
    with origin({}) as server:

        def trickles(connection: socket.socket, _request: str) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
            while True:
                connection.sendall(b"x")
                server.stall(0.1)

        server.talks["/video.mp4"] = trickles
        began = time.monotonic()
        assert refused(server.url(), dest, policy).code == "timeout"
        assert time.monotonic() - began < 2


def test_a_closed_port_refuses(dest: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = refused(f"http://127.0.0.1:{port}/v.mp4", dest)
    assert (error.code, error.retryable) == ("refused", True)
    assert "127.0.0.1" in error.message


def test_a_name_that_does_not_resolve_is_told(dest: Path) -> None:
    def nowhere(_host: str, _port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    error = refused("http://no.such.host/v.mp4", dest, resolve=nowhere)
    assert (error.code, error.retryable) == ("dns", True)
    assert "no.such.host" in error.message


def test_a_resolver_that_hangs_or_says_nothing_is_a_dns_error(dest: Path) -> None:
    policy = FetchPolicy(connect_s=0.2)
    over = threading.Event()

    def hangs(_host: str, _port: int) -> list[str]:
        over.wait(20)
        return ["8.8.8.8"]

    began = time.monotonic()
    assert refused("http://slow.example/v", dest, policy, resolve=hangs).code == "dns"
    assert time.monotonic() - began < 2
    over.set()
    assert refused("http://a.example/", dest, policy, resolve=lambda _h, _p: []).code == "dns"
    long_label = "http://" + "a" * 64 + ".example/"
    assert refused(long_label, dest, policy).code == "dns"


def test_cancel_is_felt_within_half_a_second(dest: Path) -> None:
    cancel = threading.Event()
    watch = Watch(cancel=cancel)
    policy = FetchPolicy(allow_private=True)
    with origin({}) as server:

        def stalls(connection: socket.socket, _request: str) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + VIDEO[:99])
            server.stall()

        server.talks["/video.mp4"] = stalls
        threading.Timer(0.3, cancel.set).start()
        began = time.monotonic()
        with pytest.raises(Cancelled):
            fetch(server.url(), dest, policy, watch)
        assert time.monotonic() - began < 0.8
    assert list(dest.parent.iterdir()) == []


def test_a_place_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_bytes(b"")
    with origin({"/video.mp4": says(VIDEO)}) as server, pytest.raises(StorageFailed):
        fetch(server.url(), in_the_way / "source.mp4", QUICK, Watch())


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    script = f"""
import resource, signal, sys
from pathlib import Path
from retake.core.errors import StorageFailed
from retake.core.watch import Watch
from retake.steps.fetch import FetchPolicy, fetch
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    fetch(sys.argv[1], Path({str(tmp_path / "v.mp4")!r}), FetchPolicy(allow_private=True), Watch())
except StorageFailed as error:
    print(error.code)
"""
    with origin({"/video.mp4": says(VIDEO)}) as server:
        done = subprocess.run(
            [sys.executable, "-c", script, server.url()], capture_output=True, text=True, check=True
        )
    assert done.stdout.strip() == "storage"
    assert list(tmp_path.iterdir()) == []
