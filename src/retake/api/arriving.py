"""Uploads that come in pieces: each has one writer at a time, and is judged once it is all here."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from retake.api.errors import Refusal
from retake.api.parts import ApiParts
from retake.api.receiving import copy, judge
from retake.core.errors import BadRequest, RetakeError
from retake.storage.upload import Upload

ALGORITHMS = ("sha1", "sha256", "md5")
"""Checksums that a piece may come with."""


@dataclass(frozen=True, slots=True)
class Checksum:
    """What a piece's bytes have to give: one of `ALGORITHMS`, and its digest."""

    algorithm: str
    digest: bytes


async def existing_upload(parts: ApiParts, key_id: str, upload_id: str) -> Upload:
    """Return the key's upload of that id.

    Raises:
        Refusal: The key has none, or its time is over (``unknown_upload``).
    """
    found = await parts.at_storage(lambda: parts.uploads.find(key_id, upload_id))
    if found is None or found.touched_at + parts.upload_policy.ttl_s <= parts.now():
        raise Refusal("unknown_upload", "there is no such upload, or no longer", param="upload_id")
    return found


@asynccontextmanager
async def alone(parts: ApiParts, upload_id: str) -> AsyncGenerator[asyncio.Event]:
    """Be the only one who works on an upload; whoever did before is told to leave.

    A client that lost its connection comes again before the server has noticed the loss.

    Yields:
        An event that is set once somebody else wants to.
    """
    async with parts.upload_turns.turn(upload_id) as leave:
        yield leave


async def settled(parts: ApiParts, key_id: str, upload_id: str) -> Upload:
    """Return an upload; one whose bytes are all here is judged, and becomes a file, by then.

    Raises:
        Refusal: There is none (``unknown_upload``).
        RetakeError: It is no video that is accepted; it is removed.
    """
    upload = await existing_upload(parts, key_id, upload_id)
    if upload.complete or upload.offset < (upload.length or 0):
        return upload
    async with alone(parts, upload_id):
        return await settle(parts, key_id, upload_id)


async def settle(parts: ApiParts, key_id: str, upload_id: str) -> Upload:
    """Do what `settled` does, for somebody who is alone with the upload."""
    await parts.at_storage(lambda: parts.uploads.settle(key_id, upload_id))
    upload = await existing_upload(parts, key_id, upload_id)
    if upload.complete or upload.offset < (upload.length or 0):
        return upload
    with ExitStack() as held:
        whole = parts.uploads.whole(upload)
        part = await parts.at_storage(lambda: held.enter_context(whole))
        try:
            await judge(parts, part)
        except RetakeError:
            await parts.at_storage(lambda: parts.uploads.remove(key_id, upload_id))
            raise
        await run_in_threadpool(parts.uploads.finish, upload, part)
    return await existing_upload(parts, key_id, upload_id)


async def take(
    parts: ApiParts,
    upload: Upload,
    chunks: AsyncIterator[bytes],
    checksum: Checksum | None,
    leave: asyncio.Event,
) -> Upload:
    """Take in one more piece of an upload that one is alone with; return how it stands then.

    What came before an interruption stays, unless it was to be compared with a checksum.

    Raises:
        Refusal: More comes than was announced (``upload_too_large``), it comes too slowly, or
            does not fit its checksum (``checksum_mismatch``).
        BadRequest: The connection ended before the piece did (``upload_interrupted``).
        RetakeError: The upload is all here, and no video that is accepted; it is removed.
    """
    key_id, upload_id = upload.key_id, upload.upload_id
    digest = hashlib.new(checksum.algorithm, usedforsecurity=False) if checksum else None
    checked = checksum is not None
    piece = await parts.at_storage(lambda: parts.uploads.piece(upload, checked=checked))

    async def seen() -> AsyncGenerator[bytes]:
        async for chunk in until(chunks, leave):
            if digest is not None:
                digest.update(chunk)
            yield chunk

    try:
        await copy(seen(), piece.write, (upload.length or 0) - upload.offset)
        if checksum and digest:
            _compare(checksum, digest.digest())
        await run_in_threadpool(piece.keep)
    except BaseException:
        await parts.at_storage(piece.leave)
        raise
    return await settle(parts, key_id, upload_id)


async def remove(parts: ApiParts, upload: Upload) -> None:
    """Remove an upload, or what has come of it.

    Raises:
        Refusal: A request that has not ended needs it (``file_in_use``).
    """
    async with alone(parts, upload.upload_id):
        if await parts.requests.results.needed(upload.name):
            raise Refusal(
                "file_in_use", "a request that has not ended needs it; accepted once that has"
            )
        await parts.at_storage(lambda: parts.uploads.remove(upload.key_id, upload.upload_id))


async def until(chunks: AsyncIterator[bytes], leave: asyncio.Event) -> AsyncGenerator[bytes]:
    """Yield what comes, until `leave` is set.

    Raises:
        BadRequest: It was set before the end (``upload_interrupted``).
    """
    leaving = asyncio.ensure_future(leave.wait())
    try:
        while True:
            coming = asyncio.ensure_future(anext(chunks, None))
            await asyncio.wait({coming, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not coming.done():
                coming.cancel()
                raise BadRequest(
                    "upload_interrupted", "the upload goes on elsewhere", retryable=True
                )
            chunk = coming.result()
            if chunk is None:
                return
            yield chunk
    finally:
        leaving.cancel()


def _compare(checksum: Checksum, digest: bytes) -> None:
    if not hmac.compare_digest(digest, checksum.digest):
        raise Refusal(
            "checksum_mismatch",
            f"the piece does not have the {checksum.algorithm} that Upload-Checksum tells; send it "
            "again",
            retryable=True,
        )
