"""Whether a text is a URL that can be fetched, as far as that is known without asking anybody."""

from __future__ import annotations

import re
import socket
from ipaddress import IPv4Address

import httpx

from retake.core.errors import FetchFailed
from retake.steps.fetch.address import Address, may_reach, parse_address

_NAME = re.compile(r"(?!\.)[a-z0-9._-]{1,254}", re.ASCII)
# Whatever a resolver would read as an address, IPv6 among it, is spelt with these alone.
_PERHAPS_ADDRESS = re.compile(r"[0-9a-fx.]+|.*[:%\s\[].*", re.ASCII | re.IGNORECASE | re.DOTALL)


def check_url(uri: str, *, allow_private: bool, param: str = "video_uri") -> httpx.URL:
    """Return `uri` parsed; what is returned here is what is connected to.

    `param` is what errors call it.

    Raises:
        FetchFailed: It is no http or https URL (code ``bad_url``), or it spells a private address
            (``blocked_address``).
    """
    try:
        url = httpx.URL(uri)
        host = url.raw_host.decode("ascii")
    except (httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise bad_url(f"{param} is not a URL: {error}", param) from None
    if url.scheme not in {"http", "https"}:
        raise bad_url(f"{param} begins with {uri[:20]!r}", param)
    address = _spelt_address(host)
    if address is None and _NAME.fullmatch(host) is None:
        raise bad_url(f"{param} names no host but {host[:40]!r}", param)
    if url.port is not None and not 0 < url.port < 65536:
        raise bad_url(f"{param} names the port {url.port}", param)
    if address is not None and not may_reach(address, allow_private=allow_private):
        raise blocked(host, param)
    return url


def bad_url(found: str, param: str = "video_uri") -> FetchFailed:
    """Return the error for a text that is no URL that can be reached."""
    return FetchFailed("bad_url", f"{found}; accepted is an http:// or https:// URL", param=param)


def blocked(host: str, param: str = "video_uri") -> FetchFailed:
    """Return the error for a host that may not be reached; what it resolved to is not told."""
    return FetchFailed(
        "blocked_address",
        f"{param} points at {host[:100]}, which is not a public address; accepted are public "
        "ones, unless RETAKE_FETCH_ALLOW_PRIVATE=1 lets private ones be reached",
        param=param,
    )


def _spelt_address(host: str) -> Address | None:
    """Read an address as resolvers do: ``127.1``, ``0x7f000001`` and ``017700000001`` too."""
    if _PERHAPS_ADDRESS.fullmatch(host) is None:
        # Asking costs as much as all the rest.
        return None
    address = parse_address(host)
    if address is not None:
        return address
    try:
        return IPv4Address(socket.inet_aton(host.rstrip(".")))
    except (OSError, UnicodeError, ValueError):
        return None
