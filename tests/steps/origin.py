"""A web server whose every byte a test decides: headers that lie, bodies that stall."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Talk = Callable[[socket.socket, str], None]
"""``talk(connection, request)`` answers one request; the connection is closed afterwards."""


class Origin:
    """Listens on a loopback port; `requests` holds the text of every request that came."""

    def __init__(self, talks: dict[str, Talk], context: ssl.SSLContext | None = None) -> None:
        self.talks = talks
        self.requests: list[str] = []
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.scheme = "http" if context is None else "https"
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def url(self, path: str = "/video.mp4", host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"

    def close(self) -> None:
        self._over.set()
        # Closing alone does not wake the thread that waits in accept().
        socket.create_connection(("127.0.0.1", self.port)).close()
        for thread in self._threads:
            thread.join(5)
        self._listener.close()

    def stall(self, seconds: float = 30) -> None:
        self._over.wait(seconds)

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._over.is_set():
                connection.close()
                return
            thread = threading.Thread(target=self._serve, args=[connection], daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection:
                self._talk(connection)
        except OSError:
            return  # the client left, which is what some tests are about

    def _talk(self, connection: socket.socket) -> None:
        if self._context is not None:
            connection = self._context.wrap_socket(connection, server_side=True)
        data = b""
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                return
            data += more
        text = data.decode("latin-1")
        self.requests.append(text)
        path = text.split(" ")[1].partition("?")[0]
        talk = self.talks.get(path, says(b"not here", status="404 Not Found"))
        talk(connection, text)
        if self._context is not None:
            connection.close()


@contextmanager
def origin(talks: dict[str, Talk], context: ssl.SSLContext | None = None) -> Iterator[Origin]:
    server = Origin(talks, context)
    try:
        yield server
    finally:
        server.close()


def says(body: bytes, *, status: str = "200 OK", **headers: str) -> Talk:
    lines = {"Content-Length": str(len(body)), "Content-Type": "video/mp4"}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)
    return raw(f"HTTP/1.1 {status}\r\n{head}Connection: close\r\n\r\n".encode("latin-1") + body)


def raw(answer: bytes) -> Talk:
    def talk(connection: socket.socket, _request: str) -> None:
        connection.sendall(answer)

    return talk


def redirects(location: str, status: str = "302 Found") -> Talk:
    return says(b"", status=status, Location=location)
