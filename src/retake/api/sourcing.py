"""Where a request's video comes from: an upload, a result, the submit itself, or elsewhere."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from retake.api.arriving import settled
from retake.api.errors import Refusal
from retake.api.inline import is_inline, store_inline
from retake.api.links import Links, own_file, own_upload
from retake.api.parts import ApiParts
from retake.core.errors import BadRequest, RetakeError
from retake.core.request import RetakeRequest
from retake.queue.keys import KeyInfo
from retake.steps.fetch.url import check_url


@dataclass(frozen=True, slots=True)
class Sourced:
    """Where a video comes from.

    Attributes:
        ref: ``upload:NAME`` of a stored file, or ``url:URL``.
        uri: What names it from now on: what was sent, but for what came within the submit.
        warnings: What its check warns of.
    """

    ref: str
    uri: str
    warnings: tuple[str, ...] = ()


async def find_source(
    wanted: RetakeRequest, uri: str, caller: KeyInfo, parts: ApiParts, links: Links
) -> Sourced:
    """Return where the video of a request comes from, checked as far as it is here.

    Args:
        wanted: The request.
        uri: Its video_uri, as it was sent.
        caller: Who sent it.
        parts: What the API uses.
        links: Tells URLs of our own files from others.

    Raises:
        RetakeError: It cannot be the source; what came within the submit is not kept.
    """
    if is_inline(uri):
        return await _inline(wanted, uri, caller, parts, links)
    name = await _own_name(wanted.video_uri, caller, parts, links)
    if name is None:
        check_url(wanted.video_uri, allow_private=parts.allow_private)
        return Sourced(f"url:{wanted.video_uri}", uri)
    if not await _owns(name, caller, parts) or not await _here(name, parts):
        raise _not_there()
    return Sourced(f"upload:{name}", uri, await _checked(name, wanted, parts))


async def forget_inline(uri: str, ref: str, caller: KeyInfo, parts: ApiParts) -> None:
    """Remove what came within a submit that gave no request.

    Args:
        uri: The submit's video_uri, as it was sent.
        ref: What `find_source` made of it.
        caller: Who sent it.
        parts: What the API uses.
    """
    if is_inline(uri):
        upload_id = ref.rpartition("/")[2].partition(".")[0]
        await parts.at_storage(lambda: parts.uploads.remove(caller.key_id, upload_id))


async def _inline(
    wanted: RetakeRequest, uri: str, caller: KeyInfo, parts: ApiParts, links: Links
) -> Sourced:
    upload = await store_inline(uri, caller, parts)
    try:
        warnings = await _checked(upload.name, wanted, parts)
    except BaseException:
        await forget_inline(uri, upload.name, caller, parts)
        raise
    return Sourced(f"upload:{upload.name}", links.upload(upload.upload_id), warnings)


async def _own_name(uri: str, caller: KeyInfo, parts: ApiParts, links: Links) -> str | None:
    """Return the stored file that a URL of ours names; None for a URL that is not ours."""
    upload_id = own_upload(uri)
    if upload_id is None:
        return own_file(parts, uri, links.base)
    try:
        upload = await settled(parts, caller.key_id, upload_id)
    except Refusal:
        raise _not_there() from None
    if not upload.complete:
        raise BadRequest(
            "upload_not_found",
            f"video_uri is an upload of which {upload.offset} of {upload.length} bytes are here; "
            "send the rest first",
            param="video_uri",
        )
    return upload.name


async def _checked(name: str, wanted: RetakeRequest, parts: ApiParts) -> tuple[str, ...]:
    check = parts.check_upload
    if check is None:
        return ()

    def checked() -> tuple[str, ...]:
        with parts.storage.local(name) as path:
            return check(path, wanted)

    async with parts.checks:
        return await asyncio.to_thread(checked)


async def _here(name: str, parts: ApiParts) -> bool:
    """Return whether a stored file is there; an upload's time begins anew."""
    if name.startswith("uploads/"):
        # Nothing else happens on the event loop meanwhile, the cleaner's removals neither.
        return await parts.at_storage(lambda: parts.uploads.use(name))
    return await parts.at_storage(lambda: parts.storage.stat(name)) is not None


async def _owns(name: str, caller: KeyInfo, parts: ApiParts) -> bool:
    if name == parts.example:
        return True
    kind, owner, *_ = [*name.split("/"), ""]
    if kind == "uploads":
        return owner == caller.key_id
    # A result may be the source of the next request.
    return kind == "outputs" and await parts.requests.get(owner, caller.key_id) is not None


def _not_there() -> RetakeError:
    return BadRequest(
        "upload_not_found",
        "video_uri points at an upload that is not there; PUT the video to its upload_url "
        "first, with the same API key",
        param="video_uri",
    )
