"""What `retake edit` is asked for, as a request: times, sections and seeds told in words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from retake.core.errors import BadRequest
from retake.core.timing import FrameCount, parse_time

if TYPE_CHECKING:
    from fractions import Fraction


def time_of(param: str, text: str) -> Fraction | FrameCount | float:
    """Return a time that was told as ``2.5``, ``0:02.500`` or ``60f``.

    Raises:
        BadRequest: `bad_time`.
    """
    try:
        return parse_time(text)
    except ValueError as error:
        if text.strip().lower().lstrip("+-") in {"nan", "inf", "infinity"}:
            return float(text)  # check_payload tells what is wrong with it
        raise BadRequest("bad_time", f"{param}: {error}", param=param) from error


def sections_of(told: Sequence[str]) -> list[dict[str, Any]] | None:
    """Return the sections that were told; None where none was.

    Raises:
        BadRequest: `bad_section` or `bad_time`; `param` says which.
    """
    return [_section(text, f"sections[{at}]") for at, text in enumerate(told)] or None


def seeds_of(told: str | None) -> list[int] | None:
    """Return seeds that were told as ``7,8,9``; None where none were.

    Raises:
        BadRequest: `wrong_type`.
    """
    if told is None:
        return None
    try:
        return [int(part) for part in told.split(",")]
    except ValueError as error:
        raise BadRequest(
            "wrong_type",
            f"seeds is {told[:40]!r}; accepted are whole numbers with commas between them",
            param="seeds",
        ) from error


def _section(text: str, where: str) -> dict[str, Any]:
    section = _object(text, where) if text.lstrip().startswith("{") else _list(text, where)
    for param in ("start_time", "duration"):
        if isinstance(section.get(param), str):
            section[param] = time_of(f"{where}.{param}", section[param])
    return section


def _object(text: str, where: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise _bad(text, where) from error
    return cast("dict[str, Any]", value)


def _list(text: str, where: str) -> dict[str, Any]:
    start, _, rest = text.partition(",")
    duration, comma, prompt = rest.partition(",")
    if not duration.strip():
        raise _bad(text, where)
    told: dict[str, Any] = {"start_time": start, "duration": duration}
    return told | ({"prompt": prompt} if comma else {})


def _bad(text: str, where: str) -> BadRequest:
    return BadRequest(
        "bad_section",
        f"{where} is {text[:60]!r}; accepted is START,DURATION or START,DURATION,PROMPT, or a JSON "
        "object with start_time and duration",
        param=where,
    )


def named_values(told: Sequence[str], option: str) -> dict[str, Any]:
    """Return what was told as ``NAME=VALUE``, each value as JSON or text.

    Raises:
        BadRequest: `bad_parameter`; `param` is the option that was told.
    """
    found: dict[str, Any] = {}
    for text in told:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise BadRequest(
                "bad_parameter",
                f"--{option} is {text[:60]!r}; accepted is NAME=VALUE",
                param=option,
            )
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found
