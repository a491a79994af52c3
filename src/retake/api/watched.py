"""Every call is counted, timed, logged and, where that is wanted, traced."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from retake.telemetry.about import About, about
from retake.telemetry.access import log_call
from retake.telemetry.metrics import Metrics
from retake.telemetry.traces import Traces

ROUTE = "retake.route"
"""Where in the scope a call's template is, when no route of the framework answers it."""
ERROR = "retake.error"
"""Where in the scope the code of an answer that says no is."""
_LEFT = 499
"""What is noted for who left before there was an answer; nginx's number for it."""


class Watched:
    """Middleware: takes note of every call when it is over, whoever answered it and how.

    Args:
        app: What answers.
        metrics: Counts the calls.
        traces: Traces them.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, traces: Traces) -> None:
        self._app = app
        self._metrics = metrics
        self._traces = traces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one call."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = _LEFT

        async def send_noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        began, call = self._metrics.clock(), self._traces.call(scope["method"], scope["headers"])
        with about(About(trace=call.trace)) as what:
            try:
                await self._app(scope, receive, send_noted)
            except BaseException:
                # Answered further out.
                status = 500 if status == _LEFT else status
                raise
            finally:
                took_s = self._metrics.clock() - began
                call.answered(_template(scope), status, what.request_id)
                self._note(scope, status, took_s)

    def _note(self, scope: Scope, status: int, took_s: float) -> None:
        method, error = scope["method"], scope.get(ERROR)
        self._metrics.called(method, _template(scope), status, took_s, error)
        client = scope.get("client")
        log_call(
            method=method,
            path=scope["raw_path"].decode("ascii", "replace"),
            status=status,
            took_s=took_s,
            peer=client[0] if client else "",
            error=error,
        )


def _template(scope: Scope) -> str | None:
    return scope.get(ROUTE) or getattr(scope.get("route"), "path", None)
