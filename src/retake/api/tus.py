"""Uploads that can be resumed: tus 1.0.0 (https://tus.io/protocols/resumable-upload).

The core protocol, and its extensions creation, creation-with-upload, expiration, checksum and
termination. Every call but OPTIONS needs the API key, like all others.
"""

from __future__ import annotations

import base64
import binascii
import re
from email.utils import formatdate

from fastapi import Request, Response

from retake.api.arriving import (
    ALGORITHMS,
    Checksum,
    alone,
    existing_upload,
    settle,
    take,
)
from retake.api.errors import Refusal
from retake.api.file_types import type_of
from retake.api.links import links_for
from retake.api.parts import ApiParts, parts_of
from retake.api.receiving import announced, chunks_of, new_upload, too_large, uploads_of
from retake.core.errors import BadRequest
from retake.core.titles import file_title
from retake.queue.keys import KeyInfo
from retake.storage.upload import Upload

VERSION = "1.0.0"
HEADERS = {"Tus-Resumable": VERSION}
PIECE = "application/offset+octet-stream"
_EXTENSIONS = "creation,creation-with-upload,expiration,checksum,termination"
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)
_MAX_METADATA = 8192


def is_tus(request: Request) -> bool:
    """Return whether a client speaks tus."""
    return "tus-resumable" in request.headers


def options(request: Request) -> Response:
    """Tell what of tus there is."""
    headers = {
        **HEADERS,
        "Tus-Version": VERSION,
        "Tus-Extension": _EXTENSIONS,
        "Tus-Max-Size": str(parts_of(request).limits.max_bytes),
        "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
    }
    return Response(status_code=204, headers=headers)


async def create(request: Request, caller: KeyInfo) -> Response:
    """Begin an upload, and take in its first piece where one comes along.

    Raises:
        Refusal: It is too large, or of another version of tus.
        BadRequest: A header is missing or malformed (``bad_upload_header``).
        StorageFailed: The key's room is taken.
    """
    _check_version(request)
    parts = parts_of(request)
    most = parts.limits.max_bytes
    if "upload-defer-length" in request.headers or "upload-concat" in request.headers:
        raise _bad_header("only whole uploads of a known Upload-Length are accepted")
    length = _number(request, "Upload-Length")
    if length > most:
        raise too_large(most)
    if length == 0:
        raise BadRequest("empty_upload", "the upload is empty; accepted is a video file")
    told = _metadata(request)
    file_name = told.get("filename") or told.get("name")
    kind = told.get("filetype") or told.get("type") or ""
    known = await uploads_of(parts, caller.key_id)
    with parts.upload_room.kept(caller.key_id, known, length, most):
        upload = await new_upload(
            parts,
            caller.key_id,
            type_of(file_name, kind),
            length=length,
            file_name=file_title(file_name),
            metadata=request.headers.get("upload-metadata"),
        )
    url = f"{links_for(request).base}{request.url.path}/{upload.upload_id}"
    if announced(request, most) or "transfer-encoding" in request.headers:
        upload = await _take(request, parts, caller, upload.upload_id, 0)
    headers = {**_state(parts, upload), "Location": url}
    return Response(status_code=201, headers=headers)


async def look(request: Request, caller: KeyInfo, upload_id: str) -> Response:
    """Tell how much of an upload is here; what was unfinished about it is finished."""
    parts = parts_of(request)
    await existing_upload(parts, caller.key_id, upload_id)
    async with alone(parts, upload_id):
        upload = await settle(parts, caller.key_id, upload_id)
    headers = _state(parts, upload)
    if upload.metadata is not None:
        headers["Upload-Metadata"] = upload.metadata
    return Response(status_code=200, headers={**headers, "Cache-Control": "no-store"})


async def go_on(request: Request, caller: KeyInfo, upload_id: str) -> Response:
    """Take in one more piece.

    Raises:
        Refusal: There is no such upload, the piece begins elsewhere than the last one ended
            (``upload_offset``), or does not fit its checksum.
        BadRequest: A header is missing or malformed, or the connection ended too early.
        RetakeError: All of the upload is here now, and no video that is accepted.
    """
    _check_version(request)
    parts = parts_of(request)
    await existing_upload(parts, caller.key_id, upload_id)
    offset = _number(request, "Upload-Offset")
    upload = await _take(request, parts, caller, upload_id, offset)
    return Response(status_code=204, headers=_state(parts, upload))


async def _take(
    request: Request, parts: ApiParts, caller: KeyInfo, upload_id: str, offset: int
) -> Upload:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != PIECE:
        raise Refusal(
            "wrong_content_type", f"the piece is {kind[:80] or 'of no type'}; accepted is {PIECE}"
        )
    announced(request, parts.limits.max_bytes)
    checksum = _checksum(request)
    async with alone(parts, upload_id) as leave:
        upload = await settle(parts, caller.key_id, upload_id)
        if offset != upload.offset:
            raise Refusal(
                "upload_offset",
                f"Upload-Offset is {offset}; accepted is {upload.offset}, where the last piece "
                "ended",
                param="Upload-Offset",
                headers={"Upload-Offset": str(upload.offset)},
            )
        if upload.complete:
            return upload
        chunks = chunks_of(request, parts.stall_s)
        return await take(parts, upload, chunks, checksum, leave)


def _state(parts: ApiParts, upload: Upload) -> dict[str, str]:
    expires_at = upload.touched_at + parts.upload_policy.ttl_s
    return {
        **HEADERS,
        "Upload-Offset": str(upload.offset),
        "Upload-Length": str(upload.length),
        "Upload-Expires": formatdate(expires_at, usegmt=True),
    }


def _check_version(request: Request) -> None:
    version = request.headers.get("tus-resumable", "")
    if version != VERSION:
        raise Refusal(
            "tus_version",
            f"Tus-Resumable is {version[:20]!a}; accepted is {VERSION}",
            param="Tus-Resumable",
            headers={**HEADERS, "Tus-Version": VERSION},
        )


def _number(request: Request, name: str) -> int:
    texts = request.headers.getlist(name)
    if len(texts) != 1 or _NUMBER.fullmatch(texts[0]) is None:
        found = ", ".join(texts)[:40] if texts else "missing"
        raise _bad_header(f"{name} is {found!a}; accepted is a whole number", name)
    return int(texts[0])


def _metadata(request: Request) -> dict[str, str]:
    """Return ``Upload-Metadata``: pairs of a key and a value in base64, separated by commas."""
    text = request.headers.get("upload-metadata", "")
    if len(text) > _MAX_METADATA:
        raise _bad_header(f"Upload-Metadata has more than {_MAX_METADATA} characters")
    found: dict[str, str] = {}
    for pair in filter(None, (pair.strip() for pair in text.split(","))):
        key, _, value = pair.partition(" ")
        found[key.lower()] = _base64(value.strip(), "Upload-Metadata").decode("utf-8", "replace")
    return found


def _checksum(request: Request) -> Checksum | None:
    text = request.headers.get("upload-checksum")
    if text is None:
        return None
    algorithm, _, value = text.strip().partition(" ")
    if algorithm.lower() not in ALGORITHMS:
        accepted = ", ".join(ALGORITHMS)
        raise _bad_header(f"Upload-Checksum is by {algorithm[:20]!a}; accepted is {accepted}")
    return Checksum(algorithm.lower(), _base64(value.strip(), "Upload-Checksum"))


def _base64(text: str, name: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _bad_header(f"{name} holds {text[:40]!a}, which is not base64", name) from None


def _bad_header(found: str, param: str | None = None) -> BadRequest:
    return BadRequest("bad_upload_header", found, param=param)
