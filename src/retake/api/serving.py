"""Running the application: uvicorn, set up so that even its own refusals have our shape."""

from __future__ import annotations

from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn

from retake.api.wire import Wire

_GRACE_S = 10
"""How long answers that are being sent may still take once the server is told to stop."""


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
        http = type("_WireWithin", (Wire,), {"head_s": head_s})
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
