"""Sending a stored file, called after its source, whatever its stored name is."""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Mapping
from email.utils import formatdate
from pathlib import PurePath
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import FileResponse, StreamingResponse
from starlette.datastructures import Headers
from starlette.types import Send

from retake.api.parts import ApiParts
from retake.core.errors import StorageFailed
from retake.core.media_types import media_type
from retake.storage import Stat

RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{1,18})?|-(\d{1,18}))", re.ASCII)
"""A Range header that asks for one part (RFC 9110, 14.1.2)."""

_log = logging.getLogger(__name__)

_CALLED = {"video": "retake", "thumbnail": "poster"}
"""Roles of results that people know under another name."""
_PLAIN = "!#$&+-.^_`|~"
"""What RFC 8187 lets stand, beside letters and digits."""


class PassedOn(StreamingResponse):
    """An answer whose bytes come from elsewhere as they are sent."""

    async def stream_response(self, send: Send) -> None:
        """Send them; where they break off, so does the answer: its end is never sent."""
        status, headers = self.status_code, self.raw_headers
        await send({"type": "http.response.start", "status": status, "headers": headers})
        try:
            async for piece in self.body_iterator:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        except StorageFailed as error:
            _log.warning("%s", error)
            return
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def stored_file(
    request: Request, parts: ApiParts, stored: Stat, headers: Mapping[str, str]
) -> Response:
    """Return the answer that sends a stored file, or the one range of it that is asked for.

    Args:
        request: What is answered; its Range has been looked at.
        parts: What the API uses.
        stored: The file.
        headers: Further ones to send.

    Raises:
        StorageFailed: It is gone (``file_gone``), or the storage does not answer.
    """
    kind = media_type(stored.name)
    path = parts.storage.here(stored.name)
    if path is not None:
        return FileResponse(path, headers=dict(headers), media_type=kind)
    first, end = _asked_range(request, stored)
    told = {**headers, "Accept-Ranges": "bytes", "Content-Length": str(end - first)}
    whole = (first, end) == (0, stored.size)
    if not whole:
        told["Content-Range"] = f"bytes {first}-{end - 1}/{stored.size}"
    status = 200 if whole else 206
    if request.method == "HEAD" or first == end:
        return Response(status_code=status, headers=told, media_type=kind)
    body = await parts.storage.open(stored.name, first, end)
    return PassedOn(body, status, told, kind)


def _asked_range(request: Request, stored: Stat) -> tuple[int, int]:
    """Return [first, end) of the bytes that are asked for: all of them without a usable Range."""
    # Not request.headers, which still hold a Range that was dropped since.
    headers = Headers(scope=request.scope)
    match = RANGE.fullmatch(headers.get("range", "").strip())
    # If-Range (RFC 9110, 13.1.5): a range only of the same file, else all of it.
    same = headers.get("if-range", f'"{stored.etag}"')
    if match is None or same not in {f'"{stored.etag}"', formatdate(stored.modified, usegmt=True)}:
        return 0, stored.size
    first, last, tail = match.groups()
    if tail is not None:
        return max(stored.size - int(tail), 0), stored.size
    end = stored.size if last is None else min(int(last) + 1, stored.size)
    return (int(first), end) if int(first) < end else (0, stored.size)


async def shown_name(parts: ApiParts, name: str) -> str:
    """Return what a browser saves a stored file under: ``My holiday-retake.mp4``."""
    kind, owner, *_ = [*name.split("/"), ""]
    stored = PurePath(name)
    if kind == "uploads":
        upload = await parts.at_storage(lambda: parts.uploads.find(owner, stored.stem))
        return (upload.file_name if upload else None) or stored.name
    if kind != "outputs":
        return stored.name
    held = await parts.requests.results.held(owner)
    title = held.title if held is not None else None
    if title is None:
        return f"retake-{owner[:8]}-{stored.name}"
    # The role stands first, before anything that tells one take from another.
    role, dash, rest = stored.stem.partition("-")
    return f"{title}-{_CALLED.get(role, role)}{dash}{rest}{stored.suffix}"


def disposition(name: str, *, saved: bool) -> str:
    """Return the header ``Content-Disposition`` (RFC 6266) for a file of that name.

    Clients that do not know `filename*` get the name without what ASCII lacks.

    Args:
        name: What it is called; any characters but controls.
        saved: Whether it is to be saved rather than shown.
    """
    bare = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    bare = " ".join("".join("_" if c in '"\\%' else c for c in bare).split())
    if bare.startswith((".", "-")):
        bare = f"video{bare}"
    way = "attachment" if saved else "inline"
    extended = f"; filename*=UTF-8''{quote(name, safe=_PLAIN)}" if bare != name else ""
    return f'{way}; filename="{bare}"{extended}'
