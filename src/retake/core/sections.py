"""Several sections of one video, asked for at once: ``sections`` in a payload."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any, cast

from retake.core.errors import BadRequest, wrong_type
from retake.core.payload import (
    Mode,
    check_duration,
    check_mode,
    check_prompt,
    check_seed,
    check_start,
)
from retake.core.timing import FrameCount

MAX_SECTIONS = 8

_KNOWN = ("start_time", "duration", "prompt", "mode", "seed")


@dataclass(frozen=True, slots=True)
class SectionAsked:
    """One section that is asked for.

    Attributes:
        start_time, duration: Where it lies, as in a request.
        prompt, mode: What happens in it, and what of it is made anew.
        seed: Its own seed; None follows the request's.
    """

    start_time: Fraction | FrameCount
    duration: Fraction | FrameCount
    prompt: str
    mode: Mode
    seed: int | None = None


def check_sections(
    payload: Mapping[str, Any], least: Fraction
) -> tuple[tuple[SectionAsked, ...], tuple[str, ...]]:
    """Return the sections that a payload lists, and warnings about what was not understood.

    What a section leaves out is the request's: prompt and mode. None where no list was sent.

    Args:
        payload: See `request.check_payload`.
        least: Seconds that a section lasts at least.

    Raises:
        BadRequest: The list, or something in it, is not accepted; `param` says where, such as
            ``sections[1].duration``.
    """
    listed = payload.get("sections")
    if listed is None:
        return (), ()
    accepted = f"a list of 1 to {MAX_SECTIONS} objects with start_time and duration"
    if not isinstance(listed, list | tuple):
        raise wrong_type("sections", listed, accepted)
    items = list(cast("list[Any]", listed))
    if not 1 <= len(items) <= MAX_SECTIONS:
        raise BadRequest(
            "sections_count",
            f"sections has {len(items)} entries; accepted is {accepted}",
            param="sections",
        )
    for param in ("start_time", "duration"):
        if payload.get(param) is not None:
            raise BadRequest(
                "section_and_sections",
                f"{param} and sections were both sent; accepted is one section as start_time and "
                "duration, or several as sections",
                param=param,
            )
    sections = tuple(_section(item, at, payload, least) for at, item in enumerate(items))
    _check_order(sections)
    warnings = tuple(
        f"unknown parameter {f'sections[{at}].{key}'[:80]!r} was ignored"
        for at, item in enumerate(items)
        for key in item
        if key not in _KNOWN
    )
    return sections, warnings


def within(at: int, error: BadRequest) -> BadRequest:
    """Return an error about a section's parameter that tells which section it is."""
    where = f"sections[{at}]"
    param = where if error.param is None else f"{where}.{error.param}"
    message = error.message
    if error.param is not None and message.startswith(error.param):
        message = f"{where}.{message}"
    else:
        message = f"{where}: {message}"
    return BadRequest(error.code, message, param=param)


def _section(item: Any, at: int, payload: Mapping[str, Any], least: Fraction) -> SectionAsked:
    if not isinstance(item, Mapping):
        raise wrong_type(f"sections[{at}]", item, "an object with start_time and duration")
    own = cast("Mapping[str, Any]", item)
    for param in ("start_time", "duration"):
        if own.get(param) is None:
            raise BadRequest(
                "missing",
                f"sections[{at}].{param} is missing; accepted is a number of seconds",
                param=f"sections[{at}].{param}",
            )
    common = {name: payload.get(name) for name in ("prompt", "mode")}
    full = common | {name: value for name, value in own.items() if value is not None}
    try:
        return SectionAsked(
            start_time=check_start(full),
            duration=check_duration(full, least),
            prompt=check_prompt(full),
            mode=check_mode(full),
            seed=check_seed(full),
        )
    except BadRequest as error:
        raise within(at, error) from error


def _check_order(sections: tuple[SectionAsked, ...]) -> None:
    for at, (before, after) in enumerate(pairwise(sections), start=1):
        start, end = after.start_time, before.start_time
        # Frames are only compared once the source is known.
        if isinstance(start, Fraction) and isinstance(end, Fraction):
            if isinstance(before.duration, Fraction):
                end += before.duration
            if start < end:
                raise overlapping(at, start, end)


def overlapping(at: int, start: Fraction, end: Fraction) -> BadRequest:
    """Return the error for a section that starts before the one in front of it ends."""
    return BadRequest(
        "sections_overlap",
        f"sections[{at}].start_time is {float(start):g} s, but sections[{at - 1}] ends at "
        f"{float(end):g} s; accepted are sections in order of time that do not overlap",
        param=f"sections[{at}].start_time",
    )
