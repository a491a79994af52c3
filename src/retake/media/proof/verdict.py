"""What a comparison comes to: where something was changed, and whether all else was kept. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from retake.core.proof import Fact, Kind, Proof, Strip

Interval = tuple[Fraction, Fraction]

_GAP_S = Fraction(1)
"""Two changes less than this apart are one section: within a section, something may stay."""

_OTHER = frozenset({Kind.CHANGED, Kind.ADDED, Kind.REMOVED})


@dataclass(frozen=True, slots=True)
class Tally:
    """How many units of a stream became what.

    Attributes:
        counts: Units of each kind.
        worst_db, mean_db: Likeness of those encoded again; None where there are none.
    """

    counts: dict[Kind, int]
    worst_db: float | None
    mean_db: float | None

    @property
    def total(self) -> int:
        """All units."""
        return sum(self.counts.values())

    def of(self, *kinds: Kind) -> int:
        """Return the units of some kinds."""
        return sum(self.counts.get(kind, 0) for kind in kinds)


@dataclass(frozen=True)
class Verdict:
    """What a comparison comes to.

    Attributes:
        section: Seconds that were changed; None where nothing was.
        given: Whether somebody told where the section is.
        inside, outside: What became of each strip's units there and everywhere else.
        losses: What is wrong outside the section, in words; empty when nothing was lost.
        alike: Whether all that is wrong is that something was encoded again.
        notes: Differences that lose nothing seen or heard, in words.
        same_file: Whether the two files hold the same bytes.
    """

    section: Interval | None
    given: bool
    inside: tuple[Tally, ...]
    outside: tuple[Tally, ...]
    losses: tuple[str, ...]
    alike: bool
    notes: tuple[str, ...]
    same_file: bool

    @property
    def untouched(self) -> bool:
        """Whether everything outside one section is the source's own, or decodes to it exactly."""
        return not self.losses


def judge(proof: Proof, *, given: Interval | None = None, near_db: float | None = None) -> Verdict:
    """Return what a comparison comes to.

    Args:
        proof: The comparison.
        given: Where the section is; None finds it: the longest changed run, over all streams.
        near_db: Likeness from which units that were encoded again count as kept; None for never.
    """
    section = given or found_section(proof.strips)
    inside = tuple(_tally(strip, _within(strip, section, inside=True)) for strip in proof.strips)
    outside = tuple(_tally(strip, _within(strip, section, inside=False)) for strip in proof.strips)
    pairs = list(zip(proof.strips, outside, strict=True))
    again = [loss for strip, tally in pairs for loss in _encoded_again(strip, tally, near_db)]
    lost = [
        *(loss for strip, tally in pairs for loss in _lost(strip, tally)),
        *(_difference(fact) for fact in proof.facts if fact.weighs and not fact.same),
    ]
    notes = (_difference(fact) for fact in proof.facts if not fact.weighs and not fact.same)
    return Verdict(
        section=section,
        given=given is not None,
        inside=inside,
        outside=outside,
        losses=(*lost, *again),
        alike=not lost,
        notes=tuple(notes),
        same_file=proof.source.sha256 == proof.output.sha256,
    )


def found_section(strips: Sequence[Strip]) -> Interval | None:
    """Return the longest changed run of all streams, with every other that meets it."""
    runs = [run for strip in strips for run in changed_runs(strip)]
    if not runs:
        return None
    start, end = max(runs, key=lambda run: run[1] - run[0])
    grown = True
    while grown:
        near = [run for run in runs if run[0] <= end + _GAP_S and run[1] >= start - _GAP_S]
        wide = min(run[0] for run in near), max(run[1] for run in near)
        grown = wide != (start, end)
        start, end = wide
    return _on_pictures(strips, (start, end))


def _on_pictures(strips: Sequence[Strip], section: Interval) -> Interval:
    """Return a section whose ends lie between pictures where a block of sound hides the true ones.

    A block that is changed in part reaches beyond the section, but never by all of itself.
    """
    cuts = next((strip.starts for strip in strips if strip.medium == "video"), ())
    start, end = section
    for strip in strips:
        for _, first, last in units(strip) if strip.medium == "audio" else ():
            if first == section[0]:
                start = next((cut for cut in cuts if first <= cut < last), start)
            if last == section[1]:
                end = next((cut for cut in cuts if first < cut <= last), end)
    return start, end


def changed_runs(strip: Strip) -> list[Interval]:
    """Return the changed stretches of a stream; short ones that were merely encoded again join."""
    runs: list[Interval] = []
    kept = True
    for kind, start, end in units(strip):
        if kind in _OTHER:
            if runs and not kept and start - runs[-1][1] <= _GAP_S:
                runs[-1] = runs[-1][0], end
            else:
                runs.append((start, end))
            kept = False
        kept |= kind is Kind.IDENTICAL
    return runs


def units(strip: Strip) -> Iterator[tuple[Kind, Fraction, Fraction]]:
    """Yield each unit's kind, and when it begins and ends."""
    yield from zip(strip.kinds, strip.starts, strip.starts[1:], strict=False)


def section_units(strip: Strip, section: Interval) -> range:
    """Return the numbers of the units that a section holds, wholly or in part."""
    numbers = _within(strip, section, inside=True)
    return range(numbers[0], numbers[-1] + 1) if numbers else range(0)


def _overlaps(start: Fraction, end: Fraction, section: Interval) -> bool:
    # A picture that only the output has takes no time of the source's.
    return (
        section[0] <= start < section[1]
        or section[0] < end <= section[1]
        or (start < section[0] and end > section[1])
    )


def _within(strip: Strip, section: Interval | None, *, inside: bool) -> list[int]:
    return [
        at
        for at, (_, start, end) in enumerate(units(strip))
        if (section is not None and _overlaps(start, end, section)) is inside
    ]


def _tally(strip: Strip, numbers: Sequence[int]) -> Tally:
    counts = Counter(strip.kinds[at] for at in numbers)
    levels = [
        level
        for at in numbers
        if strip.kinds[at] is Kind.NEAR and (level := strip.levels[at]) is not None
    ]
    worst = min(levels, default=None)
    return Tally(dict(counts), worst, sum(levels) / len(levels) if levels else None)


def _encoded_again(strip: Strip, tally: Tally, near_db: float | None) -> Iterator[str]:
    again = tally.of(Kind.NEAR)
    if again and (near_db is None or (tally.worst_db or 0) < near_db):
        likeness = ""
        if tally.worst_db is not None:
            by = "differing by " if strip.medium == "audio" else ""
            likeness = f" ({by}{level_text(strip, tally.worst_db)})"
        yield f"{amount(strip, again)} of {_all(strip, tally)} outside encoded again{likeness}"


def _lost(strip: Strip, tally: Tally) -> Iterator[str]:
    for kind, what in (
        (Kind.CHANGED, "changed"),
        (Kind.REMOVED, "missing"),
        (Kind.ADDED, "added"),
    ):
        if count := tally.of(kind):
            yield f"{amount(strip, count)} of {_all(strip, tally)} outside {what}"
    if strip.moved:
        what = "pictures" if strip.medium == "video" else f"sound {strip.number}"
        yield f"{what}: moments differ by up to {float(strip.furthest) * 1000:.1f} ms"


def _all(strip: Strip, tally: Tally) -> str:
    if strip.medium == "video":
        return str(tally.total)
    return f"{amount(strip, tally.total)} of sound {strip.number}"


def amount(strip: Strip, count: int) -> str:
    """Return so many units in what people count in: pictures, or seconds of sound."""
    if strip.medium == "video":
        return f"{count} pictures" if count != 1 else "1 picture"
    typical = strip.starts[1] - strip.starts[0] if len(strip.starts) > 1 else Fraction(0)
    return f"{float(count * typical):.2f} s"


def level_text(strip: Strip, db: float) -> str:
    """Return a stream's worst likeness in words; of sound, the level of the difference."""
    if strip.medium == "video":
        return f"at least {db:.1f} dB"
    return f"at most {-db:.0f} dBFS"


def _difference(fact: Fact) -> str:
    return f"{fact.about}: {fact.before} became {fact.after}"
