"""When each effect begins and ends: told times, the order of telling, and the section's limits."""

from __future__ import annotations

from dataclasses import dataclass

from retake.engines.vfx.understand.when import When, find_time, without_times
from retake.engines.vfx.understand.words import Clause

WEATHER = frozenset({"rain", "storm", "snow", "fog", "night", "sunset"})
"""Effects over the whole picture: one gives way to the next that follows "then"."""

_LEAST_S = {"explosion": 1.6, "fire": 1.4}
_CHANGE_S = 0.8


@dataclass(frozen=True, slots=True)
class Span:
    """Seconds of the section, half-open; `note` says where a wish could not be met."""

    start_s: float
    end_s: float
    note: str = ""


def clause_times(clauses: tuple[Clause, ...], duration_s: float) -> list[When]:
    """Return each clause's time, its own or the one it takes over from its neighbours.

    A clause of nothing but time ("after two seconds, …", "…, at the end") lends it to the clause
    it is said of; ``and`` carries a time on.
    """
    own = [find_time(clause.text, duration_s) for clause in clauses]
    bare = [
        when.told and not without_times(clause.text)
        for when, clause in zip(own, clauses, strict=True)
    ]
    times = list(own)
    for number, clause in enumerate(clauses):
        if times[number].told:
            continue
        last = number - 1
        if (
            last >= 0
            and clauses[last].sentence == clause.sentence
            and (clause.joint == "and" or (bare[last] and clause.joint == ","))
        ):
            times[number] = times[last]
        if (
            not times[number].told
            and number + 1 < len(clauses)
            and bare[number + 1]
            and (number + 2 == len(clauses) or clauses[number + 2].joint != ",")
        ):
            times[number] = own[number + 1]
    return _in_order(clauses, times, duration_s)


def fit(effect: str, when: When, duration_s: float) -> Span:
    """Return the span of an effect inside the section, long enough to be seen."""
    least = min(_LEAST_S.get(effect, 1.0), duration_s)
    start, end, note = when.start_s or 0.0, when.end_s, ""
    if start >= duration_s:
        note = f"{effect} at {start:g} s: the section ends at {duration_s:g} s"
        start = 0.0 if end is None else duration_s - least
    start = min(start, duration_s - least)
    end = duration_s if end is None else min(max(end, start + least), duration_s)
    return Span(round(start, 3), round(end, 3), note)


def change_over(span: Span, following: Span) -> Span:
    """Return `span` cut short so that it gives way to the weather that follows it."""
    if following.start_s <= span.start_s:
        return span
    end = min(span.end_s, following.start_s + _CHANGE_S)
    return Span(span.start_s, round(end, 3), span.note)


def _in_order(clauses: tuple[Clause, ...], times: list[When], duration_s: float) -> list[When]:
    step = max(duration_s * 0.3, 1.0)
    at = 0.0
    for number, clause in enumerate(clauses):
        when = times[number]
        if when.start_s is not None:
            at = when.start_s
        elif clause.follows and number:
            at += step
            times[number] = When(at, when.end_s)
    return times
