"""``X-Upstream-Authorization``: the sender's own key at the server that a request is handed on to.

It is looked at only for models that are made upstream, goes to the one upstream server that the
operator has set, is kept encrypted until the request has ended, and is never shown again.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fastapi import Request

from retake.core.errors import BadRequest
from retake.storage import storage_failed

if TYPE_CHECKING:
    from retake.api.parts import ApiParts
    from retake.queue.record import NewRequest
    from retake.queue.vault import KeptKeys

HEADER = "X-Upstream-Authorization"
VIA = "X-Retake-Via"
ENGINE = "hosted"
_BEARER = re.compile(r"(?i:bearer) +([!-~]{1,1024})")


@dataclass(frozen=True, slots=True)
class Upstream:
    """The server that requests are handed on to.

    Attributes:
        host: Its name, for people.
        vault: Where keys are kept that requests bring along.
        pays: Whether the operator's own key pays for requests that bring none.
        mark: What requests that this server hands on carry in ``X-Retake-Via``.
    """

    host: str
    vault: KeptKeys
    pays: bool
    mark: str | None = None


async def with_upstream_key(request: Request, new: NewRequest, parts: ApiParts) -> NewRequest:
    """Keep the key that a submit brings along; return the request as it may be queued.

    Raises:
        BadRequest: The key is malformed (``malformed_upstream_key``), or there is none at all
            (``upstream_key_missing``); or this server has handed it on itself
            (``upstream_loop``).
        StorageFailed: It could not be kept.
    """
    key, upstream = _key(request), parts.upstream
    if upstream is not None and upstream.mark and upstream.mark == request.headers.get(VIA):
        # It would wait for the request that waits for it.
        raise BadRequest(
            "upstream_loop",
            "this request was handed on by this very server; its RETAKE_UPSTREAM_URL leads back "
            "to it, and has to name another",
        )
    if upstream is None or new.engine != ENGINE:
        if key is None:
            return new
        unused = f"{HEADER} was ignored: the engine {new.engine} hands nothing on"
        return replace(new, warnings=(*new.warnings, unused))
    if key is not None:
        try:
            await asyncio.to_thread(upstream.vault.keep, new.request_id, new.key_id, key)
        except OSError as error:
            raise storage_failed(error) from error
    elif not upstream.pays:
        raise BadRequest(
            "upstream_key_missing",
            f"the model {new.model} is made by {upstream.host}, and there is no key for it; "
            f"accepted is the header '{HEADER}: Bearer KEY'",
            param=HEADER,
        )
    return new


def forget_upstream_key(new: NewRequest, parts: ApiParts) -> None:
    """Forget what `with_upstream_key` kept of a request that was not queued after all."""
    if parts.upstream is not None:
        parts.upstream.vault.forget(new.request_id)


def _key(request: Request) -> str | None:
    headers = request.headers.getlist(HEADER)
    if not headers:
        return None
    match = _BEARER.fullmatch(headers[0].strip()) if len(headers) == 1 else None
    if match is None:
        raise BadRequest(
            "malformed_upstream_key",
            f"the header {HEADER} is malformed; accepted is '{HEADER}: Bearer KEY'",
            param=HEADER,
        )
    return match[1]
