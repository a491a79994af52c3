"""Which server is spoken to, and what has been learnt about it. The key is sent there only."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

from retake import __version__
from retake.client.errors import AuthError, RetakeAPIError

PREFIX = "/api/v1/ie/requestqueue/apikey"
"""Where the API lies on a server whose base URL names no path."""
DEFAULT_URL = "http://127.0.0.1:8484"
DEFAULT_MODEL = "ltx-2-pro-retake"

_PORTS = {"http": 80, "https": 443}


@dataclass
class Learnt:
    """What the server has shown of itself so far; None is not known yet.

    Attributes:
        events: Whether it streams events.
        retakes: Whether it is an instance of retake, which honours ``Idempotency-Key``.
    """

    events: bool | None = None
    retakes: bool | None = None


@dataclass(frozen=True, slots=True)
class Server:
    """A server of this API.

    `base` is the API's URL without a slash at its end; `tries` is how often a call that may be
    repeated is made, `patience_s` how long a server that cannot be reached is waited for while a
    request is followed.
    """

    base: str
    key: str = field(repr=False)
    tries: int = 5
    patience_s: float = 300.0
    learnt: Learnt = field(default_factory=Learnt, repr=False, compare=False)

    def url(self, path: str) -> str:
        """Return the URL of a path of the API, or of one that a Location names."""
        return f"{self.base}{path}"

    def headers(self, url: str) -> dict[str, str]:
        """Return the headers for any URL: the key goes to the server's own origin alone."""
        common = {"User-Agent": f"retake/{__version__}", "Accept-Encoding": "identity"}
        if origin(url) == origin(self.base):
            common["Authorization"] = f"Bearer {self.key}"
        return common


def server_for(
    base_url: str | None, api_key: str | None, *, tries: int = 5, patience_s: float = 300.0
) -> Server:
    """Return the server that arguments, else RETAKE_URL and RETAKE_KEY, name.

    Raises:
        AuthError: No key is known (``missing_key``), or it cannot be sent (``malformed_key``).
        RetakeAPIError: The URL is none (``bad_base_url``).
    """
    given = base_url or os.environ.get("RETAKE_URL") or DEFAULT_URL
    key = (api_key or os.environ.get("RETAKE_KEY") or "").strip()
    base = api_base(given)
    if not key:
        raise AuthError(
            "missing_key",
            "there is no API key; accepted is the argument api_key, or RETAKE_KEY",
            param="api_key",
        )
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise AuthError(
            "malformed_key",
            "the API key holds spaces or characters that no key has",
            param="api_key",
        )
    return Server(base, key, max(tries, 1), patience_s)


def api_base(given: str) -> str:
    """Return the API's URL on a server whose address is given, with or without the API's path.

    Raises:
        RetakeAPIError: It is no address of a server (``bad_base_url``).
    """
    given = given.strip().rstrip("/")
    try:
        parts = urlsplit(given)
        named = parts.scheme in _PORTS and bool(parts.hostname) and parts.port != 0
        more = "@" in parts.netloc or parts.query or parts.fragment
        if named and not more:
            return given if parts.path else given + PREFIX
    except ValueError:
        pass
    raise RetakeAPIError(
        "bad_base_url",
        f"{given[:80]!r} is not the address of a server; accepted is http://HOST:PORT or "
        f"https://HOST, with the API's path behind it where that is not {PREFIX}",
        param="base_url",
    )


def origin(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port of a URL; two URLs with the same are the same server's."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme, 0)


def join(base: str, target: str) -> str:
    """Return where a redirect leads.

    Raises:
        RetakeAPIError: Nowhere that http can go (``bad_redirect``).
    """
    joined = urljoin(base, target)
    try:
        scheme, host, _ = origin(joined)
    except ValueError:
        scheme, host = "", ""
    if scheme not in _PORTS or not host:
        raise RetakeAPIError("bad_redirect", f"the server redirects to {target[:80]!r}")
    return joined
