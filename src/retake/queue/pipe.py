"""What the server and its engine child say to each other: one JSON object a line.

server → child                                  child → server
{"do": "begin", "keep": [request_id, …]}        {"say": "ready"}
{"do": "run", "request": {…}}                   {"say": "begun", "request_id"}
{"do": "cancel", "request_id"}                  {"say": "progress", "request_id", "stage", "done", "total"}
{"do": "ack", "request_id"}                     {"say": "finished", "request_id", "result": {…}}
{"do": "drop", "request_id"}
{"do": "stop"}

The child says `ready` first; the server answers with `begin`, naming the requests whose recorded
steps are still needed, and then sends those that are to be worked on. `finished` is repeated until
it is acknowledged, which happens once the result is on the disk; or dropped, where another machine
has the request by now.
"""  # noqa: E501 - a table

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

MAX_MESSAGE_BYTES = 64 * 1024 * 1024


def encode(message: dict[str, Any]) -> bytes:
    """Return the line that carries `message`."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """Return the message that a line carries.

    Raises:
        ValueError: It is not a JSON object.
    """
    message = json.loads(line)
    if not isinstance(message, dict):
        raise ValueError(f"a message is an object, not {line[:40]!r}")  # noqa: TRY004
    return message


class Pipe:
    """The child's end. Messages may be sent from any thread.

    Args:
        fd: The socket that the server opened for this child.
    """

    def __init__(self, fd: int) -> None:
        self._socket = socket.socket(fileno=fd)
        # A process that an engine starts would otherwise keep the server's end from closing.
        self._socket.set_inheritable(False)
        self._lines = self._socket.makefile("rb")
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close this end."""
        self._lines.close()
        self._socket.close()

    def send(self, message: dict[str, Any]) -> None:
        """Send a message.

        Raises:
            OSError: The server is gone.
        """
        line = encode(message)
        with self._lock:
            self._socket.sendall(line)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield the server's messages until it is gone."""
        try:
            for line in self._lines:
                if line.endswith(b"\n"):
                    yield decode(line)
        except ConnectionError:
            return
