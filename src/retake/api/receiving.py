"""Bytes from the network to the disk: bounded in size and time, unseen until they are judged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path

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


async def copy(chunks: AsyncIterator[bytes], write: Callable[[bytes], object], most: int) -> int:
    """Give what comes to `write`, on a thread, in large pieces; return how many bytes came.

    What came before an error has been written.

    Raises:
        Refusal: More than `most` bytes come (``upload_too_large``).
        StorageFailed: They cannot be written.
    """
    length, batch = 0, bytearray()
    try:
        async for chunk in chunks:
            length += len(chunk)
            if length > most:
                raise too_large(most)
            batch += chunk
            if len(batch) >= _BATCH_BYTES:
                await _write(write, batch)
    finally:
        await _write(write, batch)
    return length


async def _write(write: Callable[[bytes], object], batch: bytearray) -> None:
    data = bytes(batch)
    batch.clear()
    if data:
        await run_in_threadpool(write, data)


async def new_upload(
    parts: ApiParts,
    key_id: str,
    file_type: str,
    *,
    length: int | None = None,
    file_name: str | None = None,
    metadata: str | None = None,
) -> Upload:
    """Return a new upload of a key; see `retake.storage.uploads.Uploads.announce`.

    Raises:
        StorageFailed: It could not be noted.
    """
    return await parts.at_storage(
        lambda: parts.uploads.announce(
            key_id, file_type, length=length, file_name=file_name, metadata=metadata
        )
    )


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
    if await parts.at_storage(lambda: parts.storage.stat(upload.name)) is not None:
        # The same once more: it takes no more room than it has.
        return await _stored(parts, upload, chunks, parts.limits.max_bytes)
    known = await uploads_of(parts, upload.key_id)
    with parts.upload_room.kept(upload.key_id, known, length, parts.limits.max_bytes) as most:
        try:
            return await _stored(parts, upload, chunks, most)
        except Refusal as refusal:
            if (
                refusal.code == "upload_too_large"
                and length is None
                and most < parts.limits.max_bytes
            ):
                # It is not too large as such.
                known = await uploads_of(parts, upload.key_id)
                raise parts.upload_room.full(known) from None
            raise


async def receive_new(
    parts: ApiParts, upload: Upload, chunks: AsyncIterator[bytes], length: int | None
) -> None:
    """Do what `receive` does for an upload that nobody else knows of; a refused one is forgotten.

    Raises:
        RetakeError: See `receive`.
    """
    try:
        await receive(parts, upload, chunks, length)
    except BaseException:
        await parts.at_storage(lambda: parts.uploads.remove(upload.key_id, upload.upload_id))
        raise


async def uploads_of(parts: ApiParts, key_id: str) -> list[Upload]:
    """Return a key's uploads, the latest first."""
    return await parts.at_storage(lambda: parts.uploads.of_key(key_id))


async def _stored(parts: ApiParts, upload: Upload, chunks: AsyncIterator[bytes], most: int) -> int:
    with parts.storage.unfinished() as part:
        with told(), part.open("wb") as stream:
            length = await copy(chunks, stream.write, most)
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
