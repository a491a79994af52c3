"""What a client prefers: the ``Prefer`` header of RFC 7240.

Section 2: names are case-insensitive, a preference that stands twice counts as it stood first, and
one that is not understood, malformed ones included, is ignored rather than refused. Section 3:
what was honoured is told in ``Preference-Applied``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from fastapi import Request

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_PREFERENCE = re.compile(
    rf"[ \t,]*(?P<name>{_WORD})(?:[ \t]*=[ \t]*(?P<value>{_WORD}|{_QUOTED}))?"
    rf"(?P<parameters>(?:[ \t]*;(?:[ \t]*{_WORD}(?:[ \t]*=[ \t]*(?:{_WORD}|{_QUOTED}))?)?)*)"
    r"[ \t]*(?=,|$)"
)
_SECONDS = re.compile(r"\d{1,9}", re.ASCII)
_LONGEST = 1000
"""Preferences behind so many characters are ignored."""
_ESCAPED = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Preference:
    """What is done of what the client prefers.

    Attributes:
        wait_s: How long the answer is held, in seconds; None where the client did not say.
        respond_async: Whether 202 may answer what is not finished by then.
        applied: What is to be told in ``Preference-Applied``; empty when nothing was asked.
    """

    wait_s: float | None = None
    respond_async: bool = False
    applied: dict[str, str] = field(default_factory=dict[str, str])

    def hold_s(self, default_s: float) -> float:
        """Return how long the answer is held; who wants no answer to wait for waits for none."""
        if self.wait_s is not None:
            return self.wait_s
        return 0.0 if self.respond_async else default_s


def preference(request: Request, most_s: float, *, may_be_async: bool = True) -> Preference:
    """Return what the client prefers and gets.

    Args:
        request: The call.
        most_s: How long the client may make it wait, in seconds: a longer `wait` becomes this.
        may_be_async: Whether ``respond-async`` means anything to this call.
    """
    header = ", ".join(request.headers.getlist("prefer"))
    asked = preferences(header) if header else {}
    seconds = asked.get("wait", "")
    wait_s = min(float(seconds), most_s) if _SECONDS.fullmatch(seconds) else None
    respond_async = may_be_async and asked.get("respond-async") == ""
    told = ["respond-async"] if respond_async else []
    told += [] if wait_s is None else [f"wait={wait_s:g}"]
    applied = {"Preference-Applied": ", ".join(told)} if told else {}
    return Preference(wait_s, respond_async, applied)


def preferences(header: str) -> dict[str, str]:
    """Return each preference of a header with its value, ``""`` where it has none.

    Parameters are left out: none of the preferences that are understood here has any.
    """
    header = header[:_LONGEST]
    found: dict[str, str] = {}
    position = 0
    while position < len(header):
        match = _PREFERENCE.match(header, position)
        if match is None:
            # Malformed: on behind its comma, which may stand in a quoted text that never ends.
            position = _next(header, position)
            continue
        value = match["value"] or ""
        if value.startswith('"'):
            value = _ESCAPED.sub(r"\1", value[1:-1])
        found.setdefault(match["name"].lower(), value)
        position = match.end()
    return found


def _next(header: str, position: int) -> int:
    comma = header.find(",", position + 1)
    return len(header) if comma < 0 else comma
