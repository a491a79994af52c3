"""Reading a JSON body: everything odd about it is told, nothing odd gets past here.

What comes out holds only finite numbers that fit 64 bits, strings that are valid Unicode, objects
without duplicate keys, and little nesting: it can be stored, echoed and worked with as it is.
"""

from __future__ import annotations

import asyncio
import json
import math
from typing import Any

from fastapi import Request
from starlette.requests import ClientDisconnect

from retake.api.errors import Refusal
from retake.api.inline_size import encoded_length, without_inline
from retake.core.errors import BadRequest

MAX_DEPTH = 32
_MAX_INT = 2**63


async def read_json_object(
    request: Request, *, max_bytes: int, within_s: float, inline_bytes: int = 0
) -> dict[str, Any]:
    """Return the body, which is to be whole in so many seconds, as a JSON object.

    Args:
        request: What was sent.
        max_bytes: Longest body.
        within_s: Seconds in which it has to be there.
        inline_bytes: Longest file in a ``data:`` URI, which does not count as the body.

    Raises:
        BadRequest: It is not one, or holds what JSON does not allow.
        Refusal: It is too large, of another content type, or too slow in coming.
    """
    _check_content_type(request)
    try:
        async with asyncio.timeout(within_s):
            most = max_bytes + (encoded_length(inline_bytes) if inline_bytes else 0)
            body = await _read(request, most)
    except TimeoutError:
        raise Refusal(
            "slow_client",
            f"the body was not complete after {within_s:g} s",
            retryable=True,
            headers={"Connection": "close"},
        ) from None
    except ClientDisconnect:
        raise BadRequest("bad_json", "the connection ended before the body did") from None
    if len(body) > max_bytes and without_inline(body) > max_bytes:
        raise _too_large(max_bytes)
    return parse_object(body)


def parse_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object that `body` holds.

    Raises:
        BadRequest: It does not hold one, or one that JSON (RFC 8259, I-JSON) does not allow.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest(
            "bad_utf8", f"the body is not UTF-8: byte {error.start} cannot be decoded"
        ) from None
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_whole,
            parse_float=_finite,
            parse_constant=_constant,
        )
    except json.JSONDecodeError as error:
        raise BadRequest(
            "bad_json",
            f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}",
        ) from None
    except RecursionError:
        raise _too_deep() from None
    if not isinstance(value, dict):
        kind = "null" if value is None else type(value).__name__
        raise BadRequest("not_an_object", f"the body is a JSON {kind}; accepted is an object")
    _check_depth_and_strings(value)
    return value


def _check_content_type(request: Request) -> None:
    header = request.headers.get("content-type", "")
    kind, *parameters = (part.strip().lower() for part in header.split(";"))
    is_json = kind in {"", "application/json", "text/json"} or (
        kind.startswith("application/") and kind.endswith("+json")
    )
    charsets = [p.partition("=")[2].strip('"') for p in parameters if p.startswith("charset=")]
    encoding = request.headers.get("content-encoding", "identity").lower()
    if is_json and all(c in {"utf-8", "utf8"} for c in charsets) and encoding == "identity":
        return
    found = header[:80] if encoding == "identity" else f"encoded with {encoding[:40]}"
    raise Refusal(
        "wrong_content_type",
        f"the body is {found}; accepted is application/json in UTF-8, not compressed",
        headers={"Accept": "application/json"},
    )


async def _read(request: Request, max_bytes: int) -> bytes:
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length[:20]) > max_bytes:
        raise _too_large(max_bytes)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise _too_large(max_bytes)
    return bytes(body)


def _too_large(max_bytes: int) -> Refusal:
    return Refusal(
        "body_too_large",
        f"the body is longer than {max_bytes} bytes, which is the most that is accepted",
        # What was not read cannot be told from the next request on this connection.
        headers={"Connection": "close"},
    )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))
        raise BadRequest(
            "duplicate_key", f"the key {_shown(twice)} is there twice", param=_shown(twice)
        )
    return value


def _whole(text: str) -> int:
    # Longer ones are not even converted: that takes quadratic time.
    value = int(text) if len(text) <= 20 else _MAX_INT
    if not -_MAX_INT <= value < _MAX_INT:
        raise _too_large_number(text)
    return value


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _too_large_number(text)
    return value


def _too_large_number(text: str) -> BadRequest:
    shown = text if len(text) <= 20 else f"{text[:12]}… ({len(text)} characters)"
    return BadRequest("number_too_large", f"the number {shown} is too large")


def _constant(text: str) -> float:
    raise BadRequest("not_finite", f"{text} is not JSON; accepted are finite numbers")


def _check_depth_and_strings(value: dict[str, Any]) -> None:
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below += item.keys()
                below += item.values()
            elif isinstance(item, list):
                below += item
            elif isinstance(item, str):
                _check_string(item)
        if not below:
            return
        level = below
    raise _too_deep()


def _too_deep() -> BadRequest:
    return BadRequest(
        "too_deep", f"the body is nested too deeply; at most {MAX_DEPTH} levels are accepted"
    )


def _check_string(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise BadRequest(
            "bad_unicode",
            f"the text {_shown(text)} holds half a surrogate pair at position {error.start}",
        ) from None


def _shown(text: str) -> str:
    return ascii(text[:40])[1:-1]
