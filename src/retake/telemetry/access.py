"""One line for every call: who is served what, how fast. Without query, headers or body."""

from __future__ import annotations

import logging

_log = logging.getLogger("retake.access")
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})


def log_call(
    *, method: str, path: str, status: int, took_s: float, peer: str, error: str | None
) -> None:
    """Write the line of a call.

    Args:
        method: The verb.
        path: The path as it was sent, percent signs and all, without its query.
        status: What was answered.
        took_s: How long the answer took, its last byte included, in seconds.
        peer: The address that asked; behind a proxy the one that the proxy names.
        error: The code of the answer's error.
    """
    level = logging.DEBUG if path in _QUIET else logging.INFO
    if not _log.isEnabledFor(level):
        return
    took_ms = round(took_s * 1000, 2)
    call = {
        "method": method,
        "path": path,
        "status": status,
        "took_ms": took_ms,
        "peer": peer,
        "code": error,
    }
    extra = {name: value for name, value in call.items() if value is not None}
    why = f" {error}" if error else ""
    _log.log(level, "%s %s %d%s %.1f ms", method, path, status, why, took_ms, extra=extra)
