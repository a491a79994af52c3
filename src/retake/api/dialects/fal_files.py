"""Uploads as fal's clients send them: to its storage by a URL to PUT to, or to its CDN by POST."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request

from retake.api.answer import Json
from retake.api.auth import Caller
from retake.api.body import read_json_object
from retake.api.dialects.fal_answers import FalRoute
from retake.api.file_types import type_of
from retake.api.links import links_for
from retake.api.parts import parts_of
from retake.api.receiving import announced, chunks_of, new_upload, receive_new
from retake.api.sessions import Use, give_token
from retake.api.uploads import check_upload_headers, kept_until
from retake.core.errors import wrong_type
from retake.core.titles import file_title

routes = APIRouter(prefix="/fal", route_class=FalRoute)


@routes.post("/storage/upload/initiate")
async def initiate(request: Request, caller: Caller) -> Json:
    """Return a URL to PUT one video to, and the URL that names it as a ``video_url``."""
    parts, links = parts_of(request), links_for(request)
    body = await read_json_object(request, max_bytes=parts.max_body_bytes, within_s=parts.body_s)
    name = file_title(_text(body, "file_name")[:1000])
    kind = type_of(name, _text(body, "content_type"))
    upload = await new_upload(parts, caller.key_id, kind, file_name=name)
    file_url = links.file(upload.name, "GET", kept_until(parts))
    return Json({"upload_url": links.file(upload.name, "PUT"), "file_url": file_url})


@routes.post("/storage/auth/token")
async def cdn_token(request: Request, caller: Caller) -> Json:
    """Return what opens the CDN for a while: a token that stands for the key."""
    token = give_token(parts_of(request), caller, Use.ACCESS)
    return Json(
        {
            "token": token.text,
            "token_type": "Bearer",
            "base_url": f"{links_for(request).base}/fal",
            "expires_at": datetime.fromtimestamp(token.expires_at, UTC).isoformat(),
        }
    )


@routes.post("/files/upload")
async def upload(request: Request, caller: Caller) -> Json:
    """Take in a video whole, and return the URL that names it as a ``video_url``."""
    parts, links = parts_of(request), links_for(request)
    check_upload_headers(request)
    headers = request.headers
    name = file_title(headers.get("x-fal-file-name", "")[:1000])
    kind = type_of(name, headers.get("content-type", ""))
    new = await new_upload(parts, caller.key_id, kind, file_name=name)
    length = announced(request, parts.limits.max_bytes)
    await receive_new(parts, new, chunks_of(request, parts.stall_s), length)
    return Json({"access_url": links.file(new.name, "GET", kept_until(parts))})


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise wrong_type(name, value, "a text")
    return value or ""
