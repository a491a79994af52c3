"""A TCP proxy that does to connections what networks do."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Proxy:
    """Passes bytes on to `target`, a port of this machine, until it is told otherwise.

    `cuts` holds, for the connections to come, after how many bytes of the answers each is cut; 0
    swallows the answer whole. `cuts_up` counts the bytes that clients send instead. `target` None
    refuses everybody.
    """

    def __init__(self, target: int | None) -> None:
        self.target = target
        self.cuts: list[int] = []
        self.cuts_up: list[int] = []
        self.taken = 0
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        # A plain close does not wake the thread that waits in accept.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        self._thread.join(5)

    def cut(self) -> None:
        """Break every open connection."""
        for each in list(self._open):
            self._break(each)

    def _break(self, each: socket.socket) -> None:
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.taken += 1
            try:
                if self.target is None:
                    raise ConnectionRefusedError
                server = socket.create_connection(("127.0.0.1", self.target), timeout=5)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            most = self.cuts.pop(0) if self.cuts else None
            most_up = self.cuts_up.pop(0) if self.cuts_up else None
            self._open |= {client, server}
            for args in ((client, server, most_up), (server, client, most)):
                threading.Thread(target=self._pump, args=args, daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, most: int | None) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while data := source.recv(16384):
                if most is not None and passed + len(data) > most:
                    sink.sendall(data[: most - passed])
                    break
                sink.sendall(data)
                passed += len(data)
        self._break(source)
        self._break(sink)
        source.close()
        self._open -= {source}


@contextmanager
def proxied(target: int | None) -> Iterator[Proxy]:
    proxy = Proxy(target)
    try:
        yield proxy
    finally:
        proxy.close()
