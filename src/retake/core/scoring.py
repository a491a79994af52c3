"""The score of a seam: one number for all that changes there, and the pick among several takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from retake.core.report import Seams

TOLERANCES = {
    "colour_step_{}_de": 3.0,
    "motion_step_{}_pct": 2.5,
    "sharpness_step_{}_db": 2.0,
    "loudness_step_{}_lu": 4.0,
}
"""How large a step is that a viewer notices when told where to look, for each kind of step."""

_MOST = 6.0


def scored(seams: Seams) -> Seams:
    """Return the same with its scores.

    A seam's score is ``100 * 2 ** -m``, where ``m`` is the mean of its steps, each of them over its
    tolerance and 6 at most: 100 without any step, 50 where they are just noticed.
    """
    at = {end: _score(seams, end) for end in ("in", "out")}
    told = [score for score in at.values() if score is not None]
    return replace(seams, score_in=at["in"], score_out=at["out"], score=min(told) if told else None)


def _score(seams: Seams, end: str) -> float | None:
    steps = [
        (getattr(seams, name.format(end)), tolerance) for name, tolerance in TOLERANCES.items()
    ]
    parts = [min(abs(step) / tolerance, _MOST) for step, tolerance in steps if step is not None]
    return round(100 * 2 ** -(sum(parts) / len(parts)), 1) if parts else None


@dataclass(frozen=True, slots=True)
class Picked:
    """Which of several takes is given out first, and why.

    Attributes:
        take: Its number, from 1 on.
        by: ``score`` or ``order``.
        why: For people.
    """

    take: int
    by: str
    why: str


def pick_best(takes: Mapping[int, Sequence[Seams] | None]) -> Picked:
    """Return the take whose worst seam scores best; the first of those that are equal.

    Args:
        takes: The seams of every section of each take by its number; None for one that failed. One
            of them did not fail.
    """
    scores = {number: None if seams is None else worst(seams) for number, seams in takes.items()}
    told = {number: score for number, score in scores.items() if score is not None}
    if not told:
        first = min(number for number, seams in takes.items() if seams is not None)
        why = f"take {first} is the first one that was made; no take has a seam that can be scored"
        return Picked(first, "order", why)
    best = max(told, key=lambda number: (told[number], -number))
    others = ", ".join(_other(number, takes, scores) for number in takes if number != best)
    why = f"take {best} meets the source best: its worst seam scores {told[best]:g} of 100"
    weakest = _weakest(takes[best] or ())
    return Picked(best, "score", f"{why} ({others}){weakest}")


def worst(seams: Sequence[Seams]) -> float | None:
    """Return the lowest score of several sections' seams; None where none has one."""
    return min((one.score for one in seams if one.score is not None), default=None)


def _other(
    number: int,
    takes: Mapping[int, Sequence[Seams] | None],
    scores: Mapping[int, float | None],
) -> str:
    if takes[number] is None:
        return f"take {number}: failed"
    score = scores[number]
    return f"take {number}: {'no seam' if score is None else f'{score:g}'}"


def _weakest(seams: Sequence[Seams]) -> str:
    """Return words about the largest step of a take's seams; none where no step is noticed."""
    largest, said = 1.0, ""
    for one in seams:
        for name, tolerance in TOLERANCES.items():
            for end, place in (("in", "start"), ("out", "end")):
                step = getattr(one, name.format(end))
                if step is not None and abs(step) / tolerance > largest:
                    largest = abs(step) / tolerance
                    kind, unit = name.split("_step_")[0], _UNITS[name.rpartition("_")[2]]
                    said = f"; what is left is {kind}, {step:+.1f} {unit} at its {place}"
    return said


_UNITS = {"de": "ΔE", "pct": "% of the width a second", "db": "dB", "lu": "LU"}
