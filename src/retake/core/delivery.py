"""Where results are to be sent once they are there: URLs at which somebody's storage takes PUTs.

Such a URL is a secret: whoever has it may write there. It is shown without its query, in which
storages have their signatures.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from retake.core.errors import BadRequest, wrong_type

PARAM = "output_put_url"
ROLES = ("video", "section", "audio", "thumbnail", "sheet", "report")
"""Results that can be sent."""

_MAX_URL = 8192
_MAX_HEADERS = 16
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)
_HEADER_VALUE = re.compile(r"[ -~]{0,1024}", re.ASCII)
_OURS = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "te", "trailer", "upgrade"}
    | {"expect", "proxy-authorization", "proxy-connection", "keep-alive"}
)
"""Headers that the sending itself needs."""


@dataclass(frozen=True, slots=True)
class Put:
    """One result, where it goes, and headers that go with it, such as Azure's `x-ms-blob-type`."""

    role: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def shown(self) -> str:
        """The URL without what is secret of it."""
        return shown_url(self.url)


@dataclass(frozen=True, slots=True)
class Delivery:
    """All that is to be sent of one request."""

    puts: tuple[Put, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON-ready values, its secrets in them."""
        return {put.role: {"url": put.url, "headers": dict(put.headers)} for put in self.puts}

    @staticmethod
    def from_dict(value: Mapping[str, Any]) -> Delivery:
        """Return what `to_dict` was called on."""
        return Delivery(tuple(Put(role, at["url"], at["headers"]) for role, at in value.items()))

    def echoed(self, sent: object) -> object:
        """Return the parameter as it is shown, in the form in which it was sent."""
        if isinstance(sent, str):
            return self.puts[0].shown
        return {put.role: put.shown for put in self.puts}


def check_delivery(payload: Mapping[str, Any]) -> Delivery | None:
    """Return where a payload wants results sent; None where it does not say.

    Whether the URLs may be reached is not asked here.

    Raises:
        BadRequest: ``wrong_type``, ``missing``, ``unknown_output``, ``uri_too_long`` or
            ``bad_put_header``.
    """
    value = payload.get(PARAM)
    if value is None:
        return None
    if isinstance(value, str):
        return Delivery((_put("video", value),))
    if not isinstance(value, dict):
        raise wrong_type(PARAM, value, "a URL, or an object of URLs by result")
    if not value:
        raise BadRequest(
            "missing",
            f"{PARAM} names no result; accepted is one or more of " + ", ".join(ROLES),
            param=PARAM,
        )
    return Delivery(tuple(_put(role, where) for role, where in value.items()))


def shown_url(url: str) -> str:
    """Return a URL without its query, its fragment and what stands before its host name."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "…"
    hidden = "?…" if parts.query or parts.fragment else ""
    return f"{parts.scheme}://{host}{parts.path}{hidden}"


def _put(role: str, where: object) -> Put:
    if role not in ROLES:
        raise BadRequest(
            "unknown_output",
            f"{PARAM} names {role[:40]!r}; accepted is one or more of {', '.join(ROLES)}",
            param=PARAM,
        )
    url, headers = (
        (where.get("url"), where.get("headers")) if isinstance(where, dict) else (where, None)
    )
    if not isinstance(url, str) or not url.strip():
        raise wrong_type(f"{PARAM}.{role}", url, "a URL")
    if len(url) > _MAX_URL:
        raise BadRequest(
            "uri_too_long",
            f"{PARAM} has {len(url)} characters; at most {_MAX_URL} are accepted",
            param=PARAM,
        )
    return Put(role, url.strip(), _headers(role, headers))


def _headers(role: str, value: object) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise wrong_type(f"{PARAM}.{role}.headers", value, "an object of texts")
    for name, text in value.items():
        fits = isinstance(text, str) and _HEADER_VALUE.fullmatch(text)
        if not fits or not _HEADER_NAME.fullmatch(name) or name.lower() in _OURS:
            raise _bad_header(name)
    if len(value) > _MAX_HEADERS:
        raise _bad_header(f"{len(value)} headers")
    return dict(value)


def _bad_header(found: str) -> BadRequest:
    return BadRequest(
        "bad_put_header",
        f"{PARAM} asks for the header {found[:60]!a}; accepted are at most {_MAX_HEADERS} "
        "printable ones that do not belong to the connection",
        param=PARAM,
    )
