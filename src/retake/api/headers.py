"""What every request has to bring and every answer has to carry, whoever gives it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from retake.api.errors import Refusal, error_response
from retake.api.limits import rate_headers

_HOST = re.compile(rb"(?:[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?")
_SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_FOR_ANY_ORIGIN = {
    # A signed URL is its own permission, so any page that holds one may use it.
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD, PUT, OPTIONS",
    "Access-Control-Allow-Headers": "Content-Type, Range, If-Range, If-None-Match",
    "Access-Control-Expose-Headers": "Accept-Ranges, Content-Disposition, Content-Length, "
    "Content-Range, ETag, Last-Modified",
    "Access-Control-Max-Age": "86400",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


class Headers:
    """Middleware: refuses a Host that cannot be one, adds the headers that keep browsers safe.

    Args:
        app: What answers.
        base_url: Where files are given out when that is not where the page comes from.
    """

    def __init__(self, app: ASGIApp, base_url: str | None = None) -> None:
        self._app = app
        policy = {"Content-Security-Policy": _content_policy(base_url)}
        self._of_all = _raw({**_SAFE, **policy})
        self._of_files = _raw({**_SAFE, **_FOR_ANY_ORIGIN, **policy})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        more = self._of_files if scope["path"].startswith("/files/") else self._of_all

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message["headers"])
                told = {name.lower() for name, _ in headers}
                rates = rate_headers(scope)
                ours = [*more, *_raw(rates)] if rates else more
                headers += [pair for pair in ours if pair[0] not in told]
                message = {**message, "headers": headers}
            await send(message)

        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if len(hosts) > 1 or (hosts and _HOST.fullmatch(hosts[0]) is None):
            # URLs are built from it.
            refusal = Refusal("bad_host", "the Host header does not name a host")
            await error_response(refusal)(scope, receive, send_with_headers)
            return
        await self._app(scope, receive, send_with_headers)


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def _content_policy(base_url: str | None) -> str:
    own = "'self'"
    if base_url is not None:
        url = urlsplit(base_url)
        own = f"'self' {url.scheme}://{url.netloc}"
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; connect-src {own}; "
        f"img-src {own} blob: data:; media-src {own} blob:; font-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
