"""JSON answers that cannot fail to be written, whatever a report or a message holds."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import orjson
from fastapi.responses import JSONResponse

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


class Json(JSONResponse):
    """A JSON answer: numbers that are not finite become null, half surrogate pairs ``?``."""

    def render(self, content: Any) -> bytes:
        """Return the body."""
        return json_bytes(content)


def json_bytes(content: Any) -> bytes:
    """Return `content` as JSON in one line, in the same way as `Json`."""
    try:
        return orjson.dumps(content)
    except TypeError:
        # Half a surrogate pair, an integer of more than 64 bits: JSON may hold them.
        return _spelt_out(content)


def _spelt_out(content: Any) -> bytes:
    try:
        text = _ENCODER.encode(content)
    except ValueError:
        text = _ENCODER.encode(_finite(content))
    return text.encode("utf-8", "replace")


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
