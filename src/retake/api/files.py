"""Stored files by signed URL: PUT an upload, GET an upload or a result, whole or by ranges."""

from __future__ import annotations

from email.utils import formatdate

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from retake.api.answer import Json
from retake.api.errors import Refusal
from retake.api.links import EXAMPLE, check_signed
from retake.api.parts import ApiParts, parts_of
from retake.api.sending import RANGE, disposition, shown_name, stored_file
from retake.api.uploads import put_upload
from retake.storage import safe_name

routes = APIRouter()


@routes.api_route("/files/{name:path}", methods=["GET", "HEAD"])
async def get_file(request: Request, name: str) -> Response:
    """Send a stored file."""
    parts = parts_of(request)
    _check_signed(request, parts, name, "GET")
    await check_kept(parts, name)
    return await _send(request, parts, name)


@routes.api_route(EXAMPLE, methods=["GET", "HEAD"])
async def get_example(request: Request) -> Response:
    """Send the example video."""
    parts = parts_of(request)
    if parts.example is None:
        raise Refusal("file_not_found", "this server has no example video")
    return await _send(request, parts, parts.example)


async def _send(request: Request, parts: ApiParts, name: str) -> Response:
    stored = await parts.at_storage(lambda: parts.storage.stat(name))
    if stored is None:
        raise Refusal("file_not_found", "the file is not there, or no longer")
    headers = {
        # The URL says who may read it; what it stands for never changes.
        "Cache-Control": "private, max-age=3600, immutable",
        "ETag": f'"{stored.etag}"',
        "Last-Modified": formatdate(stored.modified, usegmt=True),
    }
    if _is_known(headers["ETag"], request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers=headers)
    _settle_range(request, stored.size)
    if elsewhere := await _elsewhere(request, parts, name):
        return RedirectResponse(elsewhere, 307, {"Cache-Control": "no-store"})
    download = request.query_params.get("download", "0") not in {"", "0"}
    shown = await shown_name(parts, name)
    headers["Content-Disposition"] = disposition(shown, saved=download)
    return await stored_file(request, parts, stored, headers)


async def _elsewhere(request: Request, parts: ApiParts, name: str) -> str | None:
    """Return where else the file can be had; None where we send it ourselves.

    Our own page may load from its own server only (its Content-Security-Policy).
    """
    own_page = request.headers.get("sec-fetch-site") == "same-origin"
    # What a bucket signs is for one method only.
    if not parts.redirect_files or own_page or request.method != "GET":
        return None
    seconds = int(request.query_params.get("expires", "0")) - int(parts.now())
    return await parts.at_storage(lambda: parts.storage.link(name, max(seconds, 60)))


@routes.put("/files/{name:path}")
async def put_file(request: Request, name: str) -> Json:
    """Store an upload under the name that its URL was signed for."""
    parts = parts_of(request)
    _check_signed(request, parts, name, "PUT")
    length = await put_upload(request, parts, name)
    return Json({"size": length})


@routes.options("/files/{name:path}")
async def ask_for_leave(_request: Request) -> Response:
    """Answer a browser's preflight; the headers that matter are added to all of /files."""
    return Response(status_code=204)


def _check_signed(request: Request, parts: ApiParts, name: str, method: str) -> None:
    query = request.query_params
    if not safe_name(name):
        raise Refusal("file_not_found", "there is no file of that name")
    check_signed(parts, name, method, query.get("expires", ""), query.get("signature", ""))


def _is_known(etag: str, header: str) -> bool:
    """Return whether ``If-None-Match`` names a file's tag (RFC 9110, 13.1.2)."""
    tags = {tag.strip().removeprefix("W/") for tag in header.split(",")}
    return "*" in tags or etag in tags


async def check_kept(parts: ApiParts, name: str) -> None:
    """Let pass what was not removed.

    Raises:
        Refusal: It is a result that was (``file_removed``).
    """
    kind, owner, *_ = [*name.split("/"), ""]
    if kind != "outputs":
        return
    held = await parts.requests.results.held(owner)
    if held is not None and held.removed:
        raise Refusal(
            "file_removed",
            "the results of this request were removed: it was asked for, or their time was over",
        )


def _settle_range(request: Request, size: int) -> None:
    """Drop a Range that asks for several parts or cannot be read: RFC 9110 then wants all of it.

    Raises:
        Refusal: The range lies past the end (416).
    """
    text = request.headers.get("range")
    if text is None:
        return
    match = RANGE.fullmatch(text.strip())
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
