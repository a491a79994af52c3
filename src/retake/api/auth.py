"""Who asks: ``Authorization: Bearer KEY`` on every request; some clients say ``Key`` for Bearer."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Depends, Request

from retake.api.errors import Refusal
from retake.api.parts import ApiParts, parts_of
from retake.api.sessions import Use, key_of_token
from retake.queue.keys import KeyInfo

_BEARER = re.compile(r"(?i:bearer|key) +([!-~]{1,512})")
_ACCEPTED = "accepted is the header 'Authorization: Bearer KEY'"


async def key_of(request: Request) -> KeyInfo:
    """Return whose request this is.

    Raises:
        Refusal: There is no key, or it is malformed, unknown or revoked (all 401); or it has
            called too often (429).
    """
    headers = request.headers.getlist("authorization")
    if not headers:
        raise Refusal("missing_key", f"the API key is missing; {_ACCEPTED}")
    match = _BEARER.fullmatch(headers[0].strip()) if len(headers) == 1 else None
    if match is None:
        raise Refusal("malformed_key", f"the Authorization header is malformed; {_ACCEPTED}")
    parts = parts_of(request)
    key = await key_named(parts, match[1])
    parts.rates.count_call(request.scope, key.key_id)
    return key


async def key_named(parts: ApiParts, secret: str) -> KeyInfo:
    """Return whose key, or whose token of access, `secret` is.

    Raises:
        Refusal: It is unknown, revoked or over (401).
    """
    # A key has no dots in it, a token has two.
    if "." in secret:
        key = await key_of_token(parts, secret, Use.ACCESS)
    else:
        key = await parts.keys.authenticate(secret)
    if key is None:
        raise Refusal("wrong_key", "the API key is unknown or was revoked")
    return key


Caller = Annotated[KeyInfo, Depends(key_of)]
"""The key that a route was called with."""
