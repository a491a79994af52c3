"""Something before the S3-compatible server that fails when it is told to: 503, or no answer.

    with Faults(s3) as faults:
        storage = open_it(s3.url(port=faults.port))
        faults.answer(503, times=3)     # the next three requests
        faults.down = True              # from now on connections are closed

Everything else reaches the real server and comes back as it is.
"""

from __future__ import annotations

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.s3 import S3Server

_SLOW_DOWN = (
    b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
)


class Faults:
    """A proxy on a port of its own.

    Attributes:
        port: Its port on 127.0.0.1.
        down: Whether every connection is closed without an answer.
        answers_left: So many requests are passed on, then it is down; None is no end.
        cut_at: Behind so many bytes an answer breaks off; None lets all of it through.
        seen: Method and path of every request, in their order.
    """

    def __init__(self, behind: S3Server) -> None:
        self.down = False
        self.answers_left: int | None = None
        self.cut_at: int | None = None
        self.seen: list[tuple[str, str]] = []
        self._behind = behind
        self._statuses: list[int] = []
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"faults": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> Faults:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, status: int, times: int = 1) -> None:
        """Answer the next requests so."""
        with self._lock:
            self._statuses += [status] * times

    def next_status(self, method: str, path: str) -> int | None:
        """Return what the next request is answered; None passes it on."""
        with self._lock:
            if self.answers_left is not None:
                self.answers_left -= 1
            self.seen.append((method, path))
            return self._statuses.pop(0) if self._statuses else None

    def passed_on(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Any:
        """Return the real server's answer and its body."""
        connection = http.client.HTTPConnection("127.0.0.1", self._behind.port, timeout=60)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    faults: Faults

    def do_GET(self) -> None:
        self._answer()

    do_PUT = do_HEAD = do_POST = do_DELETE = do_GET  # noqa: N815 - http.server looks for these

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        if self.faults.down or self.faults.answers_left == 0:
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        status = self.faults.next_status(self.command, self.path)
        if status is not None:
            self._send(status, {"Content-Type": "application/xml"}, _SLOW_DOWN)
            return
        answer, content = self.faults.passed_on(
            self.command, self.path, dict(self.headers.items()), body
        )
        kept = {k: v for k, v in answer.getheaders() if k.lower() not in _OF_THE_CONNECTION}
        length = answer.getheader("Content-Length") or str(len(content))
        self._send(answer.status, kept, content, length)

    def _send(
        self, status: int, headers: dict[str, str], content: bytes, length: str | None = None
    ) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", length or str(len(content)))
        self.end_headers()
        if self.command == "HEAD":
            return
        cut_at = self.faults.cut_at
        self.wfile.write(content[:cut_at])
        if cut_at is not None and cut_at < len(content):
            self.close_connection = True


_OF_THE_CONNECTION = frozenset(
    {"content-length", "connection", "transfer-encoding", "date", "server"}
)
