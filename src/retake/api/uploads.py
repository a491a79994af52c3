"""Bringing a video here: ask for an upload URL, then PUT the file to it."""

from __future__ import annotations

import asyncio
import secrets
from typing import BinaryIO

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from retake.api.answer import Json
from retake.api.auth import Caller
from retake.api.body import read_json_object
from retake.api.errors import Refusal
from retake.api.links import links_for
from retake.api.parts import ApiParts, parts_of
from retake.core.errors import BadRequest

FILE_TYPES = ("mp4", "mov", "m4v", "webm", "mkv", "avi", "ts", "mpg", "mpeg", "mxf", "ogv", "3gp")
_REFUSED_TYPES = ("multipart/", "text/", "application/json")
_BATCH_BYTES = 1024 * 1024

routes = APIRouter()


@routes.post("/upload-url")
async def make_upload_url(request: Request, caller: Caller) -> Json:
    """Return a URL to PUT one video to, and the URL that names it as a ``video_uri``."""
    parts, links = parts_of(request), links_for(request)
    body = await read_json_object(request, max_bytes=parts.max_body_bytes, within_s=parts.body_s)
    file_type = _file_type(body.get("file_type", "mp4"))
    name = f"uploads/{caller.key_id}/{secrets.token_hex(16)}.{file_type}"
    return Json(
        {
            "upload_url": links.file(name, "PUT"),
            "public_url": links.file(name),
            "expires_at": links.expires_at,
            "max_bytes": parts.limits.max_bytes,
        }
    )


async def receive_upload(request: Request, parts: ApiParts, name: str) -> int:
    """Store the body of a PUT under `name`; return its length in bytes.

    Raises:
        Refusal: It is too large, too slow, or wrapped in a form.
        BadRequest: It is empty, or the connection ended before it did.
        StorageFailed: It could not be written, or another file was put there before.
    """
    _check_headers(request, parts.limits.max_bytes)
    writing = parts.storage.writing(name)
    stream = writing.__enter__()
    try:
        length = await _copy(request, stream, parts.limits.max_bytes, parts.stall_s)
    except BaseException as error:
        writing.__exit__(type(error), error, error.__traceback__)
        raise
    # Reaching the disk takes long for a large file; the event loop is not to wait for it.
    await run_in_threadpool(writing.__exit__, None, None, None)
    return length


async def _copy(request: Request, stream: BinaryIO, max_bytes: int, stall_s: float) -> int:
    length, batch = 0, bytearray()
    chunks = request.stream()
    while True:
        try:
            chunk = await asyncio.wait_for(anext(chunks, None), stall_s)
        except TimeoutError:
            message = f"the upload sent nothing for {stall_s:g} s"
            raise Refusal("slow_client", message, retryable=True) from None
        except ClientDisconnect:
            raise BadRequest(
                "upload_interrupted", "the connection ended before the upload did", retryable=True
            ) from None
        if chunk is None:
            break
        length += len(chunk)
        if length > max_bytes:
            raise _too_large(max_bytes)
        batch += chunk
        if len(batch) >= _BATCH_BYTES:
            await run_in_threadpool(stream.write, bytes(batch))
            batch.clear()
    if length == 0:
        raise BadRequest("empty_upload", "the upload is empty; accepted is a video file")
    await run_in_threadpool(stream.write, bytes(batch))
    return length


def _check_headers(request: Request, max_bytes: int) -> None:
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length[:20]) > max_bytes:
        raise _too_large(max_bytes)
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


def _too_large(max_bytes: int) -> Refusal:
    return Refusal(
        "upload_too_large",
        f"the upload is longer than {max_bytes} bytes, which is the most that is accepted",
    )


def _file_type(value: object) -> str:
    if isinstance(value, str):
        plain = value.lower().removeprefix("video/").removeprefix(".")
        file_type = {"quicktime": "mov", "x-matroska": "mkv"}.get(plain, plain)
        if file_type in FILE_TYPES:
            return file_type
    raise BadRequest(
        "unknown_file_type",
        f"file_type is {str(value)[:40]!r}; accepted is one of {', '.join(FILE_TYPES)}",
        param="file_type",
    )
