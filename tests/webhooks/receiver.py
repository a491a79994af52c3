"""A receiver of webhooks on 127.0.0.1: it keeps what comes, and answers as it is told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook


@dataclass
class Answer:
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"ok"
    wait_for: threading.Event | None = None


@dataclass
class Message:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def type(self) -> str:
        return self.json["type"]

    def verified(self, secret: str) -> Any:
        """Return what the published library returns for a message whose signature is good."""
        return Webhook(secret).verify(self.body, self.headers)


class Receiver(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.messages: list[Message] = []
        self.answers: list[Answer] = []
        self.bytes_sent = 0
        self.answer: Callable[[Message], Answer] = lambda _message: Answer()
        self.url = f"http://127.0.0.1:{self.server_port}"
        self._came = threading.Condition()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        return  # a sender that hangs up is part of the tests

    def take(self, message: Message) -> Answer:
        with self._came:
            self.messages.append(message)
            self._came.notify_all()
            return self.answers.pop(0) if self.answers else self.answer(message)

    def wait(self, count: int, timeout_s: float = 10) -> list[Message]:
        """Return the messages once there are so many of them."""
        with self._came:
            came = self._came.wait_for(lambda: len(self.messages) >= count, timeout_s)
        assert came, f"{len(self.messages)} of {count} messages came"
        return self.messages


class _Handler(BaseHTTPRequestHandler):
    server: Receiver
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.take(Message(self.path, headers, body))
        if answer.wait_for is not None:
            answer.wait_for.wait(20)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        for at in range(0, len(answer.body), 65536):
            self.wfile.write(answer.body[at : at + 65536])
            self.server.bytes_sent += len(answer.body[at : at + 65536])

    def log_message(self, *_args: Any) -> None:
        return


def until(ready: Callable[[], Any], timeout_s: float = 10) -> Any:
    """Return what `ready` returns once that is true."""
    end = time.monotonic() + timeout_s
    while not (result := ready()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)
    return result
