"""Bringing a video here: by an upload URL and PUT, as a form, as bytes; and looking after it."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from typing import Any

from fastapi import APIRouter, Request, Response

from retake.api import tus
from retake.api.answer import Json
from retake.api.arriving import existing_upload, settled
from retake.api.arriving import remove as remove_upload
from retake.api.auth import Caller
from retake.api.body import read_json_object
from retake.api.errors import Refusal
from retake.api.file_types import file_type, type_of
from retake.api.links import Links, links_for
from retake.api.multipart import OneFile
from retake.api.parts import ApiParts, parts_of
from retake.api.receiving import announced, chunks_of, new_upload, receive, receive_new, uploads_of
from retake.core.errors import BadRequest
from retake.core.titles import file_title
from retake.queue.keys import KeyInfo
from retake.storage.upload import Upload

_REFUSED_TYPES = ("multipart/", "text/", "application/json")
_NAME = re.compile(r"uploads/([^/]+)/([0-9a-f]{32})\.(\w+)", re.ASCII)
_FORM_BYTES = 64 * 1024
"""So many more bytes than its file a form may have."""

routes = APIRouter()


@routes.post("/upload-url")
async def make_upload_url(request: Request, caller: Caller) -> Json:
    """Return a URL to PUT one video to, and the URL that names it as a ``video_uri``."""
    parts, links = parts_of(request), links_for(request)
    body = await read_json_object(request, max_bytes=parts.max_body_bytes, within_s=parts.body_s)
    kind = file_type(body.get("file_type", "mp4"))
    file_name = body.get("file_name")
    if not isinstance(file_name, str | None):
        raise BadRequest("wrong_type", "file_name must be a text", param="file_name")
    upload = await new_upload(parts, caller.key_id, kind, file_name=file_title(file_name))
    return Json(
        {
            "upload_url": links.file(upload.name, "PUT"),
            "public_url": links.file(upload.name, "GET", kept_until(parts)),
            "url": links.upload(upload.upload_id),
            "id": upload.upload_id,
            "expires_at": links.expires_at,
            "max_bytes": parts.limits.max_bytes,
        }
    )


@routes.post("/uploads")
async def upload(request: Request, caller: Caller) -> Response:
    """Take in a video: a form with one file, the bytes of the file, or the beginning of tus."""
    if tus.is_tus(request):
        return await tus.create(request, caller)
    parts = parts_of(request)
    kind = request.headers.get("content-type", "").lower()
    if kind.startswith("multipart/form-data"):
        stored = await _from_form(request, parts, caller)
    else:
        check_upload_headers(request)
        new = await new_upload(parts, caller.key_id, type_of(None, kind))
        length = announced(request, parts.limits.max_bytes)
        await receive_new(parts, new, chunks_of(request, parts.stall_s), length)
        stored = new.upload_id
    return _told(request, parts, await existing_upload(parts, caller.key_id, stored), 201)


@routes.get("/uploads")
async def list_uploads(request: Request, caller: Caller) -> Json:
    """Return the caller's uploads, the latest first."""
    parts, links = parts_of(request), links_for(request)
    found = [upload_json(parts, links, one) for one in await uploads_of(parts, caller.key_id)]
    return Json({"uploads": found, "total": len(found)})


@routes.head("/uploads/{upload_id}")
@routes.get("/uploads/{upload_id}")
async def get_upload(request: Request, upload_id: str, caller: Caller) -> Response:
    """Return what is known of an upload; HEAD tells a tus client how much of it is here."""
    parts = parts_of(request)
    if request.method == "HEAD":
        return await tus.look(request, caller, upload_id)
    return _told(request, parts, await settled(parts, caller.key_id, upload_id), 200)


@routes.patch("/uploads/{upload_id}")
async def go_on(request: Request, upload_id: str, caller: Caller) -> Response:
    """Take in more of an upload: tus."""
    return await tus.go_on(request, caller, upload_id)


@routes.post("/uploads/{upload_id}")
async def override(request: Request, upload_id: str, caller: Caller) -> Response:
    """Do what ``X-HTTP-Method-Override`` says, for clients that can only POST: tus."""
    method = request.headers.get("x-http-method-override", "").strip().upper()
    if method == "PATCH":
        return await tus.go_on(request, caller, upload_id)
    if method == "DELETE":
        return await remove(request, upload_id, caller)
    if method == "HEAD":
        return await tus.look(request, caller, upload_id)
    raise Refusal(
        "wrong_method",
        "POST is not possible on an upload; accepted is GET, HEAD, PATCH, DELETE",
        headers={"Allow": "DELETE, GET, HEAD, PATCH"},
    )


@routes.delete("/uploads/{upload_id}")
async def remove(request: Request, upload_id: str, caller: Caller) -> Response:
    """Remove an upload, unless a request still needs it."""
    parts = parts_of(request)
    await remove_upload(parts, await existing_upload(parts, caller.key_id, upload_id))
    return Response(status_code=204, headers=tus.HEADERS if tus.is_tus(request) else {})


@routes.options("/uploads")
@routes.options("/uploads/{upload_id}")
async def options(request: Request) -> Response:
    """Tell what of tus there is."""
    return tus.options(request)


async def put_upload(request: Request, parts: ApiParts, name: str) -> int:
    """Store the body of a PUT under `name`; return its length in bytes.

    Raises:
        Refusal: It is too large, too slow, or wrapped in a form.
        BadRequest: It is empty, or the connection ended before it did.
        BadSource: It is no video that is accepted.
        StorageFailed: It could not be written, another file was put there before, or the key's
            room is taken.
    """
    length = announced(request, parts.limits.max_bytes)
    check_upload_headers(request)
    match = _NAME.fullmatch(name)
    if match is None:
        raise Refusal("file_not_found", "there is no upload of that name")
    upload = Upload(match[1], match[2], match[3], length, 0, None, 0)
    return await receive(parts, upload, chunks_of(request, parts.stall_s), length)


def kept_until(parts: ApiParts) -> int:
    """Return when an upload that came now would expire, in Unix time."""
    return int(parts.now()) + parts.upload_policy.ttl_s


def check_upload_headers(request: Request) -> None:
    """Let pass a body that is the bytes of a file.

    Raises:
        Refusal: It is a form, a text, or compressed (``wrong_content_type``).
        BadRequest: It is a part of a file (``partial_upload``).
    """
    kind = request.headers.get("content-type", "").lower()
    encoding = request.headers.get("content-encoding", "identity").lower()
    if kind.startswith(_REFUSED_TYPES) or encoding != "identity":
        raise Refusal(
            "wrong_content_type",
            f"the upload is {kind[:80] or encoding[:40]}; accepted are the bytes of the video "
            "alone, such as with Content-Type: video/mp4",
        )
    if "content-range" in request.headers:
        raise BadRequest("partial_upload", "Content-Range is not accepted; PUT the whole file")


def upload_json(parts: ApiParts, links: Links, upload: Upload) -> dict[str, Any]:
    """Return an upload as clients read it."""
    expires_at = upload.touched_at + parts.upload_policy.ttl_s
    public = links.file(upload.name, "GET", expires_at) if upload.complete else None
    return {
        "id": upload.upload_id,
        "url": links.upload(upload.upload_id),
        "public_url": public,
        "complete": upload.complete,
        "size": upload.length,
        "received": upload.offset,
        "file_type": upload.file_type,
        "file_name": upload.file_name,
        "expires_at": expires_at,
    }


def _told(request: Request, parts: ApiParts, upload: Upload, status: int) -> Json:
    body = upload_json(parts, links_for(request), upload)
    return Json(body, status, {"Location": body["url"]} if status == 201 else {})


async def _from_form(request: Request, parts: ApiParts, caller: KeyInfo) -> str:
    form = OneFile(request.headers["content-type"])
    most = parts.limits.max_bytes + _FORM_BYTES
    length = announced(request, most)
    # How the file is called is known once its first bytes are.
    chunks = form.file_of(chunks_of(request, parts.stall_s))
    first = await anext(chunks, b"")
    told = form.form
    wanted = told.fields.get("file_type")
    kind = file_type(wanted) if wanted else type_of(told.file_name, told.file_kind)
    new = await new_upload(parts, caller.key_id, kind, file_name=file_title(told.file_name))

    async def all_of_it() -> AsyncGenerator[bytes]:
        yield first
        async for chunk in chunks:
            yield chunk

    await receive_new(parts, new, all_of_it(), length)
    return new.upload_id
