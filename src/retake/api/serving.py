"""Running the application: uvicorn, set up so that even its own refusals have our shape."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from types import FrameType
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from retake.api.errors import PROBLEM, Refusal, error_body, status_of

_MAX_HEADERS_BYTES = 64 * 1024
_GRACE_S = 10
"""How long answers that are being sent may still take once the server is told to stop."""


class _Http(H11Protocol):
    """HTTP/1.1 that answers what is not HTTP as JSON, and waits for a head only so long."""

    head_s = 30.0
    """How long a connection may stay open without a complete head, in seconds."""
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._be_patient()

    def data_received(self, data: bytes) -> None:
        """Take in what came; a head that is still not complete has no more time than before."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting()
        elif self._patience is None:
            self._be_patient()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_waiting()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Answer 400 and close the connection."""
        del msg
        self._refuse(Refusal("bad_http", "that is not valid HTTP/1.1"), b"Bad Request")

    def _be_patient(self) -> None:
        self._patience = self.loop.call_later(self.head_s, self._lose_patience)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _lose_patience(self) -> None:
        self._patience = None
        if self.transport.is_closing():
            return
        message = f"no complete head came within {self.head_s:g} s"
        self._refuse(Refusal("slow_client", message, retryable=True), b"Request Timeout")

    def _refuse(self, refusal: Refusal, reason: bytes) -> None:
        body = json.dumps(error_body(refusal)).encode()
        headers = [
            ("Content-Type", PROBLEM),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
        ]
        status = status_of(refusal)
        start = h11.Response(status_code=status, headers=headers, reason=reason)
        for event in (start, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


class ApiServer(uvicorn.Server):
    """The server process's HTTP side.

    Args:
        app: What `create_app` returned.
        release: Called on SIGTERM and SIGINT, before anything closes, so that held submits are
            answered: `Requests.release`.
        host: Address to listen on.
        port: Port to listen on; 0 lets the system choose.
        head_s: How long a connection may stay open without a complete head, in seconds.
    """

    def __init__(
        self, app: Any, release: Callable[[], None], *, host: str, port: int, head_s: float = 30.0
    ) -> None:
        http = type("_HttpWithin", (_Http,), {"head_s": head_s})
        config = uvicorn.Config(
            app,
            host=host,
            port=port,
            http=http,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_S,
            h11_max_incomplete_event_size=_MAX_HEADERS_BYTES,
        )
        super().__init__(config)
        self._release = release

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop; a second SIGINT stops at once."""
        self._release()
        super().handle_exit(sig, frame)

    @property
    def bound_port(self) -> int:
        """The port that is listened on, once started."""
        return self.servers[0].sockets[0].getsockname()[1]
