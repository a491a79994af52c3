"""Running the application: uvicorn, set up so that even its own refusals have our shape."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import FrameType
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from retake.api.errors import Refusal, error_body

_MAX_HEADERS_BYTES = 64 * 1024
_GRACE_S = 10
"""How long answers that are being sent may still take once the server is told to stop."""


class _JsonRefusals(H11Protocol):
    """HTTP/1.1 that answers what is not HTTP as JSON."""

    def send_400_response(self, msg: str) -> None:
        """Answer 400 and close the connection."""
        del msg
        body = json.dumps(error_body(Refusal("bad_http", "that is not valid HTTP/1.1"))).encode()
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
        ]
        start = h11.Response(status_code=400, headers=headers, reason=b"Bad Request")
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
    """

    def __init__(self, app: Any, release: Callable[[], None], *, host: str, port: int) -> None:
        config = uvicorn.Config(
            app,
            host=host,
            port=port,
            http=_JsonRefusals,
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
