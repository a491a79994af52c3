"""Names of stored files: which are accepted, and signing them so that URLs can be given out."""

from __future__ import annotations

import hmac
import re

from retake.core.errors import BadRequest

_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_MAX_PARTS = 8
_DOMAIN = b"retake file v1\n"


def safe_name(name: str) -> bool:
    """Return whether `name` is one that storage may hold: no ``..``, no root, no odd characters."""
    parts = name.split("/")
    return len(parts) <= _MAX_PARTS and all(_PART.fullmatch(part) for part in parts)


def checked_name(name: str) -> str:
    """Return `name`.

    Raises:
        BadRequest: It is not a safe one (code ``bad_name``).
    """
    if not safe_name(name):
        raise BadRequest("bad_name", f"{name[:80]!r} is not the name of a file")
    return name


class Signer:
    """Signs names.

    Args:
        secret: At least 32 bytes, the same for every process, machine and start.

    Raises:
        ValueError: The secret is too short to be one.
    """

    def __init__(self, secret: bytes) -> None:
        if len(secret) < 32:
            raise ValueError("the secret that signs URLs needs at least 32 bytes")
        # What takes in the secret is done once: a page of a list has hundreds of URLs.
        self._begun = hmac.new(secret, _DOMAIN, "sha256")

    def sign(self, name: str, expires_at: int, method: str) -> str:
        """Return the signature that lets its bearer use `method` on `name` until `expires_at`.

        HMAC-SHA256 as 64 hexadecimal digits; `expires_at` is Unix time in seconds.
        """
        signature = self._begun.copy()
        signature.update(f"{method}\n{expires_at}\n{name}".encode())
        return signature.hexdigest()

    def check(self, name: str, expires_at: int, method: str, signature: str) -> bool:
        """Return whether `sign` gave this signature; whether it has expired is not asked here."""
        good = self.sign(name, expires_at, method).encode()
        return hmac.compare_digest(good, signature.encode("utf-8", "replace"))
