"""A wire between us and PostgreSQL that can be cut at a chosen byte."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress


class Wire:
    """Passes bytes on, both ways, until it is told to cut.

    Args:
        port: The server's.

    Attributes:
        port: Where to connect to instead.
        cut_at: Asked for all that a client sends: ``None`` passes it on, ``"before"`` cuts without
            passing it on, ``"after"`` passes it on and cuts before the answer comes back.
    """

    def __init__(self, port: int) -> None:
        self._server = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.cut_at: Callable[[bytes], str | None] = lambda _sent: None
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._server))
                ends = (client, server)
                threading.Thread(target=self._up, args=ends, daemon=True).start()
                threading.Thread(target=self._down, args=ends, daemon=True).start()

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                how = self.cut_at(data)
                if how is not None:
                    self.cut_at = lambda _sent: None
                    self._cut(client)
                if how == "before":
                    self._cut(server)
                    return
                server.sendall(data)
        with suppress(OSError):
            # What was sent arrives; then the server sees the end.
            server.shutdown(socket.SHUT_WR)

    def _down(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                client.sendall(data)
        self._cut(client)
        server.close()

    @staticmethod
    def _cut(one: socket.socket) -> None:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
