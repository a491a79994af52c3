"""Bytes from the network to the disk: bounded in size and time, unseen until they are judged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from typing import IO

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from retake.api.errors import Refusal
from retake.api.parts import ApiParts
from retake.core.errors import BadRequest
from retake.storage import told
from retake.storage.upload import Upload

_BATCH_BYTES = 1024 * 1024


async def chunks_of(request: Request, stall_s: float) -> AsyncGenerator[bytes]:
    """Yield the body as it comes.

    Raises:
        Refusal: Nothing came for `stall_s` seconds (``slow_client``).
        BadRequest: The connection ended before the body did (``upload_interrupted``).
    """
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
            return
        yield chunk


async def copy(chunks: AsyncIterator[bytes], part: Path, most: int) -> int:
    """Write what comes to the end of the file `part`; return how many bytes came.

    What came before an error has been written.

    Raises:
        Refusal: More than `most` bytes come (``upload_too_large``).
        StorageFailed: They cannot be written.
    """
    length, batch = 0, bytearray()
    with told():
        stream = await run_in_threadpool(part.open, "ab", 0)
    with stream:
        try:
            async for chunk in chunks:
                length += len(chunk)
                if length > most:
                    raise too_large(most)
                batch += chunk
                if len(batch) >= _BATCH_BYTES:
                    await _write(stream, batch)
        finally:
            await _write(stream, batch)
    return length


async def _write(stream: IO[bytes], batch: bytearray) -> None:
    data = bytes(batch)
    batch.clear()
    # Unbuffered, so that a kill loses nothing that was written; then a write may be a part of it.
    while data:
        with told():
            data = data[await run_in_threadpool(stream.write, data) :]


async def judge(parts: ApiParts, part: Path) -> None:
    """Let pass a file that is a video of the accepted kind and size, looked at in a sandbox.

    Raises:
        BadRequest: It is empty.
        BadSource: It is none; the error says why.
    """
    if part.stat().st_size == 0:
        raise BadRequest("empty_upload", "the upload is empty; accepted is a video file")
    if parts.check_arrival is not None:
        async with parts.checks:
            await asyncio.to_thread(parts.check_arrival, part)


async def receive(
    parts: ApiParts, upload: Upload, chunks: AsyncIterator[bytes], length: int | None
) -> int:
    """Store what comes as an upload, whole or not at all; return its length in bytes.

    Args:
        parts: What the API uses.
        upload: What it becomes.
        chunks: Its bytes.
        length: How many they are, where that is known.

    Raises:
        RetakeError: It is too large, comes too slowly, is no video, finds no room, or cannot be
            written.
    """
    if parts.storage.path(upload.name).exists():
        # The same once more: it takes no more room than it has.
        return await _stored(parts, upload, chunks, parts.limits.max_bytes)
    with parts.upload_room.kept(upload.key_id, length, parts.limits.max_bytes) as most:
        try:
            return await _stored(parts, upload, chunks, most)
        except Refusal as refusal:
            if (
                refusal.code == "upload_too_large"
                and length is None
                and most < parts.limits.max_bytes
            ):
                # It is not too large as such.
                raise parts.upload_room.full(upload.key_id) from None
            raise


async def _stored(parts: ApiParts, upload: Upload, chunks: AsyncIterator[bytes], most: int) -> int:
    with parts.storage.unfinished() as part:
        length = await copy(chunks, part, most)
        await judge(parts, part)
        # Reaching the disk takes long for a large file; the event loop is not to wait for it.
        await run_in_threadpool(parts.storage.keep, part, upload.name)
    return length


def announced(request: Request, most: int) -> int | None:
    """Return the body's length as its header tells it; None where it does not.

    Raises:
        Refusal: It is more than `most` bytes (``upload_too_large``), or no number.
    """
    text = request.headers.get("content-length")
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal()) or int(text[:20]) > most:
        raise too_large(most)
    return int(text)


def too_large(most: int) -> Refusal:
    """Return the error for an upload of more than `most` bytes."""
    return Refusal(
        "upload_too_large",
        f"the upload is longer than {most} bytes, which is the most that is accepted",
    )
