"""Reading JSON that somebody else wrote: what has another type than expected counts as absent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

Raw = Mapping[str, Any]
"""A JSON object as it came."""


def nothing() -> Raw:
    """Return an empty object."""
    return {}


def an_object(value: Any) -> Raw:
    """Return `value` if it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def a_list(value: Any) -> tuple[Any, ...]:
    """Return the items of `value` if it is a list, else none."""
    return tuple(value) if isinstance(value, list | tuple) else ()


def a_text(value: Any) -> str | None:
    """Return `value` if it is a text that is not empty, else None."""
    return value if isinstance(value, str) and value else None


def texts(value: Any) -> tuple[str, ...]:
    """Return the items of a list as texts."""
    return tuple(str(each) for each in a_list(value))


def a_number(value: Any) -> float | None:
    """Return `value` if it is a finite number, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    number = float(value)
    return number if math.isfinite(number) else None


def a_whole(value: Any) -> int | None:
    """Return `value` if it is a whole number, else None."""
    number = a_number(value)
    return int(number) if number is not None and number.is_integer() else None
