"""Stored files by signed URL: PUT an upload, GET an upload or a result, whole or by ranges."""

from __future__ import annotations

import os
import re
import stat
from email.utils import formatdate
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from retake.api.answer import Json
from retake.api.errors import Refusal
from retake.api.links import EXAMPLE, check_signed
from retake.api.parts import ApiParts, parts_of
from retake.api.uploads import receive_upload
from retake.storage import safe_name

_MEDIA_TYPES = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".webm": "video/webm",
    ".mkv": "video/x-matroska",
    ".ts": "video/mp2t",
    ".avi": "video/x-msvideo",
    ".mpg": "video/mpeg",
    ".flv": "video/x-flv",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".json": "application/json",
}
_RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{1,18})?|-(\d{1,18}))", re.ASCII)

routes = APIRouter()


@routes.api_route("/files/{name:path}", methods=["GET", "HEAD"])
async def get_file(request: Request, name: str) -> Response:
    """Send a stored file."""
    return _send(request, _signed_path(request, parts_of(request), name, "GET"), name)


@routes.api_route(EXAMPLE, methods=["GET", "HEAD"])
async def get_example(request: Request) -> Response:
    """Send the example video."""
    parts = parts_of(request)
    if parts.example is None:
        raise Refusal("file_not_found", "this server has no example video")
    return _send(request, parts.storage.path(parts.example), parts.example)


def _send(request: Request, path: Path, name: str) -> Response:
    try:
        status = path.stat()
    except OSError:
        status = None
    if status is None or not stat.S_ISREG(status.st_mode):
        raise Refusal("file_not_found", "the file is not there, or no longer")
    headers = {
        # The URL says who may read it; what it stands for never changes.
        "Cache-Control": "private, max-age=3600, immutable",
        "ETag": _etag(status),
        "Last-Modified": formatdate(status.st_mtime, usegmt=True),
    }
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    _settle_range(request, status.st_size)
    download = request.query_params.get("download", "0") not in {"", "0"}
    return FileResponse(
        path,
        headers=headers,
        media_type=_MEDIA_TYPES.get(path.suffix, "application/octet-stream"),
        filename=_shown_name(name),
        stat_result=status,
        content_disposition_type="attachment" if download else "inline",
    )


@routes.put("/files/{name:path}")
async def put_file(request: Request, name: str) -> Json:
    """Store an upload under the name that its URL was signed for."""
    parts = parts_of(request)
    _signed_path(request, parts, name, "PUT")
    length = await receive_upload(request, parts, name)
    return Json({"size": length})


@routes.options("/files/{name:path}")
async def ask_for_leave(_request: Request) -> Response:
    """Answer a browser's preflight; the headers that matter are added to all of /files."""
    return Response(status_code=204)


def _signed_path(request: Request, parts: ApiParts, name: str, method: str) -> Path:
    query = request.query_params
    if not safe_name(name):
        raise Refusal("file_not_found", "there is no file of that name")
    check_signed(parts, name, method, query.get("expires", ""), query.get("signature", ""))
    return parts.storage.path(name)


def _etag(status: os.stat_result) -> str:
    return f'"{status.st_ino:x}-{status.st_mtime_ns:x}-{status.st_size:x}"'


def _shown_name(name: str) -> str:
    """Return the file name that a browser saves it under: ``retake-4f1c92aa-video.mp4``."""
    *_, owner, last = ["", *name.split("/")]
    return f"retake-{owner[:8]}-{last}" if name.startswith("outputs/") else last


def _settle_range(request: Request, size: int) -> None:
    """Drop a Range that asks for several parts or cannot be read: RFC 9110 then wants all of it.

    Raises:
        Refusal: The range lies past the end (416).
    """
    text = request.headers.get("range")
    if text is None:
        return
    match = _RANGE.fullmatch(text.strip())
    first, last, tail = match.groups() if match else (None, None, None)
    if match is None or (last is not None and int(last) < int(first or 0)):
        headers = request.scope["headers"]
        request.scope["headers"] = [pair for pair in headers if pair[0] != b"range"]
    elif (first is not None and int(first) >= size) or tail == "0" or size == 0:
        raise Refusal(
            "range_past_end",
            f"the range {text[:60]} lies outside the file's {size} bytes",
            headers={"Content-Range": f"bytes */{size}"},
        )
