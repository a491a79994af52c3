"""``Idempotency-Key``: a submit that is sent again gives the request that it gave at first.

draft-ietf-httpapi-idempotency-key-header-07: the key is a string of RFC 8941 (section 3.3.3), in
quotes; clients that leave the quotes out are understood too. The same key with another body is
answered 422 (section 2.7 of the draft); a copy that comes while the first is still being worked on
gets that same request, which is kinder than the 409 that the draft allows.
"""

from __future__ import annotations

import json
import re
from hashlib import sha256
from typing import Any

from fastapi import Request

from retake.core.errors import BadRequest
from retake.queue.once import Once

MAX_KEY = 255
_BARE = re.compile(r"[!#-\[\]-~](?:[ !#-\[\]-~]*[!#-\[\]-~])?", re.ASCII)
_STRING = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"', re.ASCII)


def once_of(request: Request, body: dict[str, Any]) -> Once | None:
    """Return by what a submit is known again; None when the client sent no key.

    Two bodies are the same when they hold the same JSON, however it is written.

    Raises:
        BadRequest: The key is malformed, empty or too long (``bad_idempotency_key``).
    """
    headers = request.headers.getlist("idempotency-key")
    if not headers:
        return None
    text = headers[0].strip()
    if quoted := _STRING.fullmatch(text):
        key = re.sub(r"\\(.)", r"\1", quoted[1])
    else:
        key = text if _BARE.fullmatch(text) else ""
    if len(headers) > 1 or not 1 <= len(key) <= MAX_KEY:
        raise BadRequest(
            "bad_idempotency_key",
            f"Idempotency-Key is {', '.join(headers)[:60]!a}; accepted is one text of 1 to "
            f"{MAX_KEY} printable ASCII characters, such as a UUID",
            param="Idempotency-Key",
        )
    written = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return Once(key, sha256(written.encode()).digest())
