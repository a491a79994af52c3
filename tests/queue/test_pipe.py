"""The line between server and child: whole messages, also from many threads at once."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from retake.queue.pipe import Pipe, decode, encode

MESSAGES = [
    {"do": "run", "request": {"payload": {"prompt": "a\nb\r\u2028\ud800 ü", "big": "x" * 300_000}}},
    {"do": "stop"},
]


Pair = tuple[socket.socket, Pipe]


@pytest.fixture
def pair() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    pipe = Pipe(theirs.detach())
    with ours:
        yield ours, pipe
    pipe.close()


def test_messages_arrive_whole_and_in_order(pair: Pair) -> None:
    ours, pipe = pair
    sender = threading.Thread(
        target=lambda: (ours.sendall(b"".join(map(encode, MESSAGES))), ours.close())
    )
    sender.start()
    assert list(pipe) == MESSAGES
    sender.join()


def test_half_a_message_of_a_killed_server_is_none(pair: Pair) -> None:
    ours, pipe = pair
    ours.sendall(encode({"do": "stop"}) + encode({"do": "stop"})[:-1])
    ours.close()
    assert list(pipe) == [{"do": "stop"}]


def test_threads_do_not_mix_their_messages(pair: Pair) -> None:
    ours, pipe = pair
    threads = [
        threading.Thread(target=lambda n=n: pipe.send({"n": n, "x": "y" * 50_000}))
        for n in range(20)
    ]
    for thread in threads:
        thread.start()
    with ours, ours.makefile("rb") as lines:
        heard = [decode(lines.readline()) for _ in threads]
    assert sorted(message["n"] for message in heard) == list(range(20))
    assert all(message["x"] == "y" * 50_000 for message in heard)
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("line", [b"", b"[]\n", b"3\n", b"{\n", b"\xff\n"])
def test_what_is_no_object_is_no_message(line: bytes) -> None:
    with pytest.raises(ValueError):
        decode(line)


def test_sending_to_a_server_that_is_gone_is_an_os_error(pair: Pair) -> None:
    ours, pipe = pair
    ours.close()
    with pytest.raises(OSError):
        pipe.send({"say": "ready"})
