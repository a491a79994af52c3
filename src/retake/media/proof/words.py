"""A comparison told to people, in a sentence, and to programs, as JSON-ready values."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from retake.core.proof import FileFacts, Kind, Proof, Strip
from retake.core.timing import seconds_text
from retake.media.proof.verdict import Interval, Tally, Verdict, section_units


def headline(proof: Proof, verdict: Verdict) -> str:
    """Return what the comparison comes to, in one or two sentences."""
    if verdict.same_file:
        return "The two files are the same, byte for byte."
    if verdict.section is None:
        if verdict.untouched:
            return "Nothing was lost: every picture and every sample is the source's own."
        found = "No section was changed, but not everything is the source's own"
    else:
        changed = _changed(proof, verdict.section)
        if verdict.untouched:
            return f"{changed} Everything outside is the source's own: nothing was lost."
        found = f"{changed} Outside, not everything is the source's own"
    return f"{found}: {'; '.join(verdict.losses)}."


def _changed(proof: Proof, section: Interval) -> str:
    media = {
        strip.medium
        for strip in proof.strips
        if any(
            kind not in {Kind.IDENTICAL, Kind.EXACT} and number in section_units(strip, section)
            for number, kind in enumerate(strip.kinds)
        )
    }
    what = " and ".join(
        name for medium, name in (("video", "Pictures"), ("audio", "sound")) if medium in media
    )
    start, end = section
    what = (what or "Nothing").capitalize()
    return f"{what} changed from {seconds_text(start)} to {seconds_text(end)} s."


def as_dict(proof: Proof, verdict: Verdict) -> dict[str, Any]:
    """Return everything that was found as JSON-ready values; docs/verify.md explains them."""
    return {
        "untouched": verdict.untouched,
        "alike": verdict.alike,
        "same_file": verdict.same_file,
        "headline": headline(proof, verdict),
        "losses": list(verdict.losses),
        "notes": list(verdict.notes),
        "source": _file(proof.source),
        "output": _file(proof.output),
        "section": _section(proof, verdict),
        "streams": [
            _stream(strip, inside, outside)
            for strip, inside, outside in zip(
                proof.strips, verdict.inside, verdict.outside, strict=True
            )
        ],
        "facts": [
            {"about": f.about, "source": f.before, "output": f.after, "same": f.same}
            for f in proof.facts
        ],
        "decoded_all": proof.decoded_all,
    }


def _file(file: FileFacts) -> dict[str, Any]:
    return {"name": file.name, "sha256": file.sha256, "size_bytes": file.size_bytes}


def _section(proof: Proof, verdict: Verdict) -> dict[str, Any] | None:
    if verdict.section is None:
        return None
    start, end = verdict.section
    frames = section_units(proof.strips[0], verdict.section)
    return {
        "start_s": _seconds(start),
        "end_s": _seconds(end),
        "first_frame": frames.start if frames else None,
        "last_frame": frames.stop - 1 if frames else None,
        "given": verdict.given,
    }


def _stream(strip: Strip, inside: Tally, outside: Tally) -> dict[str, Any]:
    before, after, same = strip.packets
    return {
        "medium": strip.medium,
        "number": strip.number,
        "name": strip.name,
        "codec": {"source": strip.codecs[0], "output": strip.codecs[1]},
        "packets": {"source": before, "output": after, "same": same},
        "moved": strip.moved,
        "largest_time_difference_s": _seconds(strip.furthest),
        "inside": _tally(inside),
        "outside": _tally(outside),
        "runs": list(_runs(strip)),
    }


def _tally(tally: Tally) -> dict[str, Any]:
    counts = {str(kind): tally.of(kind) for kind in Kind}
    return counts | {"worst_db": _db(tally.worst_db), "mean_db": _db(tally.mean_db)}


def _runs(strip: Strip) -> Iterator[dict[str, Any]]:
    """Yield runs of units of one kind."""
    first = 0
    for at in range(1, len(strip.kinds) + 1):
        if at < len(strip.kinds) and strip.kinds[at] is strip.kinds[first]:
            continue
        levels = [level for level in strip.levels[first:at] if level is not None]
        yield {
            "kind": str(strip.kinds[first]),
            "first": first,
            "count": at - first,
            "start_s": _seconds(strip.starts[first]),
            "end_s": _seconds(strip.starts[at]),
            "worst_db": _db(min(levels, default=None)),
            "mean_db": _db(sum(levels) / len(levels) if levels else None),
        }
        first = at


def _db(level: float | None) -> float | None:
    return None if level is None else round(level, 2)


def _seconds(time: Fraction) -> float:
    return round(float(time), 6)
