"""URLs that the API gives out, and finding out whether a URL is one of ours."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qs, unquote, urlsplit

from fastapi import Request

from retake.api.errors import Refusal
from retake.api.parts import ApiParts, parts_of
from retake.core.errors import RetakeError
from retake.storage import safe_name

API = "/api/v1/ie/requestqueue/apikey"
"""The path that the documented routes begin with."""
_FILES = "/files/"
_UPLOADS = "/uploads/"
_UPLOAD_PATH = re.compile(r"/api/v1/ie/requestqueue(?:/apikey)?/uploads/([0-9a-f]{32})", re.ASCII)
EXAMPLE = "/example.mp4"
"""Where the example video is, for those who want to try the API with what is at hand."""
_SIGNED = re.compile(r"(\d{1,12}) ([0-9a-f]{64})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Links:
    """Makes the URLs of one answer.

    `base` is how the client reached us, without a slash at its end; `expires_at` is Unix time.
    """

    parts: ApiParts
    base: str
    expires_at: int

    def file(self, name: str, method: str = "GET", expires_at: int | None = None) -> str:
        """Return a URL that lets its bearer use `method` on a stored file for a while."""
        # Nothing here needs quoting: `sign` and `safe_name` let no odd character through.
        expires_at = expires_at or self.expires_at
        signature = self.parts.storage.sign(name, expires_at, method)
        return f"{self.base}{_FILES}{name}?expires={expires_at}&signature={signature}"

    def upload(self, upload_id: str) -> str:
        """Return the URL of an upload, for its key; it stays the same as long as that is kept."""
        return f"{self.base}{API}{_UPLOADS}{upload_id}"


def links_for(request: Request) -> Links:
    """Return what makes the URLs of the answer to `request`."""
    parts, scope = parts_of(request), request.scope
    base = parts.base_url or _base(
        scope["scheme"], request.headers.get("host", ""), scope["server"], scope["root_path"]
    )
    return Links(parts, base.rstrip("/"), int(parts.now()) + parts.url_ttl_s)


@lru_cache(maxsize=256)
def _base(scheme: str, host: str, server: tuple[str, int] | None, root_path: str) -> str:
    headers = [(b"host", host.encode("latin-1"))] if host else []
    scope = {"type": "http", "scheme": scheme, "headers": headers, "server": server}
    return str(Request({**scope, "path": "/", "root_path": root_path}).base_url)


def check_signed(parts: ApiParts, name: str, method: str, expires: str, signature: str) -> None:
    """Let pass what carries a signature of ours for `method` on `name`.

    Raises:
        Refusal: The signature is not ours (code ``bad_signature``) or has expired
            (``url_expired``).
    """
    match = _SIGNED.fullmatch(f"{expires} {signature}")
    if match is None or not parts.storage.check(name, int(match[1]), method, match[2]):
        raise Refusal("bad_signature", "the URL's signature is wrong; use the URL as it was given")
    if int(match[1]) <= parts.now():
        raise Refusal(
            "url_expired", "the URL has expired; ask for the request again to get another"
        )


def own_upload(uri: str) -> str | None:
    """Return the id of the upload whose own URL `uri` is; None when it is no such URL.

    Whatever host name it has: nobody else's upload has the same id.
    """
    try:
        match = _UPLOAD_PATH.fullmatch(urlsplit(uri).path)
    except ValueError:
        return None
    return None if match is None else match[1]


def own_file(parts: ApiParts, uri: str, base: str) -> str | None:
    """Return the name of our stored file that `uri` points at; None when it is not ours.

    It would not do to fetch it: one's own address is often a private one. A valid signature is
    proof, whatever host name the URL has: a server is often reached by several. Without one, a
    URL that has our own address is an error rather than somebody else's.

    Raises:
        Refusal: It is ours, but its signature is wrong or has expired; `param` is video_uri.
    """
    if uri == f"{base}{EXAMPLE}":
        return parts.example
    try:
        url = urlsplit(uri)
        query = parse_qs(url.query, max_num_fields=20)
    except ValueError:
        return None
    name = unquote(url.path.removeprefix(_FILES))
    if not url.path.startswith(_FILES) or not safe_name(name):
        return None
    expires = query.get("expires", [""])[-1]
    signature = query.get("signature", [""])[-1]
    try:
        check_signed(parts, name, "GET", expires, signature)
    except Refusal as refusal:
        if refusal.code == "url_expired" or uri.startswith(f"{base}{_FILES}"):
            raise _as_video_uri(refusal) from None
        return None
    return name


def _as_video_uri(refusal: Refusal) -> RetakeError:
    # Here it is not the sender's own address that is forbidden, but a parameter that is wrong.
    return Refusal("bad_upload", f"video_uri: {refusal.message}", param="video_uri")
