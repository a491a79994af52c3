"""How much of a JSON body is a video in a ``data:`` URI: only the rest counts as JSON."""

from __future__ import annotations

import re

# Possessive: a run of base64 is never given back, which would take a gigabyte for ten megabytes.
_IN_A_BODY = re.compile(rb'"data:[^,"]{0,300},((?:[A-Za-z0-9+/=]++|\\/)*+)"', re.IGNORECASE)


def encoded_length(size: int) -> int:
    """Return how long a ``data:`` URI of so many bytes is, escaped slashes of JSON included."""
    # Every 64th character of base64 is a slash, in the mean; a file may have more of them.
    return size * 4 // 3 + size // 8 + 1024


def without_inline(body: bytes) -> int:
    """Return the length of a JSON body without its longest ``data:`` URI."""
    longest = max((match.end(1) - match.start(1) for match in _IN_A_BODY.finditer(body)), default=0)
    return len(body) - longest
