"""Short-lived tokens that stand for a key: what a client gets that signs in, or asks for one.

JSON Web Tokens (RFC 7519) signed as RFC 7515 says (compact form, ``HS256``): the published client
reads ``userId`` and ``exp`` out of them. They are good for nothing but what their ``use`` says, and
for nothing at all once their key is revoked.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from retake.api.parts import ApiParts
from retake.queue.keys import KeyInfo

_HEADER = {"alg": "HS256", "typ": "JWT"}


class Use(StrEnum):
    """What a token may be used for."""

    SIGN_IN = "sign_in"
    ACCESS = "access"
    REFRESH = "refresh"

    @property
    def lasts_s(self) -> int:
        """How long such a token is good, in seconds."""
        return {Use.SIGN_IN: 300, Use.ACCESS: 3600, Use.REFRESH: 7 * 24 * 3600}[self]


@dataclass(frozen=True, slots=True)
class Token:
    """A token and the moment from which it is no longer good, in Unix time."""

    text: str
    expires_at: int


def give_token(parts: ApiParts, key: KeyInfo, use: Use) -> Token:
    """Return a new token of a key."""
    expires_at = int(parts.now()) + use.lasts_s
    claims = {"userId": key.key_id, "sub": key.key_id, "use": str(use), "exp": expires_at}
    signed = f"{_packed(_HEADER)}.{_packed(claims)}"
    return Token(f"{signed}.{_base64(_signature(parts, signed))}", expires_at)


async def key_of_token(parts: ApiParts, text: str, use: Use) -> KeyInfo | None:
    """Return whose token this is; None when it is none of ours, for another use, or over."""
    signed, _, signature = text.rpartition(".")
    claims = signed.partition(".")[2]
    try:
        sent = _bytes(signature)
    except (ValueError, binascii.Error):
        return None
    if not hmac.compare_digest(sent, _signature(parts, signed)):
        return None
    # Signed, so written by us: its form needs no more checks.
    told: dict[str, Any] = json.loads(_bytes(claims))
    if told.get("use") != use or told["exp"] <= parts.now():
        return None
    return await parts.keys.by_id(told["sub"])


def _signature(parts: ApiParts, signed: str) -> bytes:
    # A secret of its own for tokens: no file has such a name or such a method.
    secret = bytes.fromhex(parts.storage.sign("tokens", 0, "TOKEN"))
    return hmac.digest(secret, signed.encode("utf-8", "replace"), "sha256")


def _packed(value: dict[str, Any]) -> str:
    return _base64(json.dumps(value, separators=(",", ":")).encode())


def _base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
