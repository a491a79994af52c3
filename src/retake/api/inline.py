"""Videos that come within a submit: ``data:`` URIs (RFC 2397), for small ones."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import AsyncGenerator
from typing import Any

from retake.api.errors import Refusal
from retake.api.file_types import type_of
from retake.api.parts import ApiParts
from retake.api.receiving import new_upload, receive_new
from retake.core.errors import BadRequest
from retake.queue.keys import KeyInfo
from retake.storage.upload import Upload

_HEAD = re.compile(r"data:([^,;]{0,100})((?:;[^,;]{0,100}){0,8}),", re.IGNORECASE)


def is_inline(uri: object) -> bool:
    """Return whether a parameter is a ``data:`` URI."""
    return isinstance(uri, str) and uri[:16].lstrip().lower().startswith("data:")


async def store_inline(uri: str, caller: KeyInfo, parts: ApiParts) -> Upload:
    """Store the video of a ``data:`` URI as an upload of the caller's.

    Raises:
        BadRequest: It is malformed (``bad_data_uri``), or empty.
        Refusal: It is too large (``data_uri_too_large``).
        BadSource: It is no video that is accepted.
        StorageFailed: The key's room is taken, or it cannot be written.
    """
    kind, data = await asyncio.to_thread(_decoded, uri, parts.data_uri_bytes)
    upload = await new_upload(parts, caller.key_id, type_of(None, kind))

    async def all_of_it() -> AsyncGenerator[bytes]:
        yield data

    await receive_new(parts, upload, all_of_it(), len(data))
    return upload


def in_brief(payload: dict[str, Any]) -> dict[str, Any]:
    """Return a payload whose ``data:`` URI is only named, so that all else can be checked."""
    return {**payload, "video_uri": "data:"} if is_inline(payload.get("video_uri")) else payload


def _decoded(uri: str, most: int) -> tuple[str, bytes]:
    uri = uri.strip()
    match = _HEAD.match(uri)
    if match is None or ";base64" not in match[2].lower():
        raise _bad("it does not begin with data:video/mp4;base64,")
    kind = match[1].strip().lower()
    if kind and not kind.startswith("video/") and kind != "application/octet-stream":
        raise _bad(f"it is labelled {kind[:40]!r}")
    text = uri[match.end() :]
    # Before it is decoded, as far as its length tells; then exactly.
    if len(text) > most * 4 // 3 + 4:
        raise _too_large(len(text) * 3 // 4, most)
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise _bad(f"it is not base64: {error}") from None
    if len(data) > most:
        raise _too_large(len(data), most)
    return kind, data


def _too_large(length: int, most: int) -> Refusal:
    return Refusal(
        "data_uri_too_large",
        f"video_uri holds about {length} bytes; at most {most} are accepted in a data: URI; upload "
        "the video instead",
        param="video_uri",
    )


def _bad(found: str) -> BadRequest:
    return BadRequest(
        "bad_data_uri",
        f"video_uri is a data: URI that cannot be read: {found}; accepted is "
        "data:video/mp4;base64,…",
        param="video_uri",
    )
