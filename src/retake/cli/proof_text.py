"""What `retake verify` prints: the verdict, a strip along the time, the figures."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from retake.core.proof import KEPT, Kind, Proof, Strip
from retake.media.proof.verdict import Tally, Verdict, amount
from retake.media.proof.words import headline

_SIGNS = {
    Kind.IDENTICAL: ("━", "blue"),
    Kind.EXACT: ("─", "cyan"),
    Kind.NEAR: ("~", "yellow"),
    Kind.CHANGED: ("█", "dark_orange"),
    Kind.ADDED: ("+", "magenta"),
    Kind.REMOVED: ("×", "red"),
}
_WORST = (Kind.IDENTICAL, Kind.EXACT, Kind.NEAR, Kind.ADDED, Kind.CHANGED, Kind.REMOVED)
_NAMES = {
    Kind.IDENTICAL: "identical",
    Kind.EXACT: "bit-exact",
    Kind.NEAR: "encoded again",
    Kind.CHANGED: "changed",
    Kind.ADDED: "added",
    Kind.REMOVED: "missing",
}


def show_proof(proof: Proof, verdict: Verdict, drawn: Path | None) -> None:
    """Print what a comparison found."""
    console = Console(highlight=False)
    style = "green" if verdict.untouched else "yellow" if verdict.alike else "bold dark_orange"
    console.print(Text(headline(proof, verdict), style))
    console.print()
    _show_strips(console, proof)
    console.print(_figures(proof, verdict))
    console.print()
    about = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    about.add_column(style="dim")
    about.add_column(overflow="fold")
    for role, file in (("source", proof.source), ("output", proof.output)):
        about.add_row(role, Text(f"{file.name}  {file.size_bytes} bytes"))
        about.add_row("SHA-256", file.sha256)
    for note in verdict.notes:
        about.add_row("note", Text(note))
    if drawn is not None:
        about.add_row("map", Text(str(drawn), "bold"))
    console.print(about)


def _show_strips(console: Console, proof: Proof) -> None:
    width = min(max(console.width - 14, 20), 100)
    end = max([proof.duration, *(strip.starts[-1] for strip in proof.strips)])
    for strip in proof.strips:
        line = Text(f"{_name(strip):<12}")
        places = [0] * width
        for kind, start in zip(strip.kinds, strip.starts, strict=False):
            place = min(int(start / end * width), width - 1) if end else 0
            places[place] = max(places[place], _WORST.index(kind) + 1)
        # A stretch narrower than its neighbours' signs takes the sign in front of it.
        for at, found in enumerate(places):
            places[at] = found or (places[at - 1] if at else 1)
            sign, colour = _SIGNS[_WORST[places[at] - 1]]
            line.append(sign, colour)
        console.print(line, no_wrap=True, overflow="crop")
    met = {kind for strip in proof.strips for kind in strip.kinds}
    legend = Text(" " * 12)
    for kind, (sign, colour) in _SIGNS.items():
        if kind in met:
            legend.append(f"{sign * 2} ", colour).append(f"{_NAMES[kind]}   ", "dim")
    console.print(legend)
    console.print()


def _name(strip: Strip) -> str:
    return "pictures" if strip.medium == "video" else f"sound {strip.number}"


def _figures(proof: Proof, verdict: Verdict) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim")
    whole = "whole film" if verdict.section is None else "outside"
    for name in ("", "", "all", "identical", "bit-exact", "encoded again", "changed"):
        table.add_column(name, no_wrap=True)
    for at, strip in enumerate(proof.strips):
        table.add_row(*_row(strip, _name(strip), whole, verdict.outside[at]))
        if verdict.section is not None:
            table.add_row(*_row(strip, "", "section", verdict.inside[at]), style="dim")
    return table


def _row(strip: Strip, name: str, where: str, tally: Tally) -> list[str]:
    again = _count(strip, tally.of(Kind.NEAR))
    if tally.worst_db is not None:
        video = strip.medium == "video"
        again += f" ≥ {tally.worst_db:.1f} dB" if video else f" ≤ {-tally.worst_db:.0f} dBFS"
    return [
        name,
        where,
        amount(strip, tally.total),
        _count(strip, tally.of(Kind.IDENTICAL)),
        _count(strip, tally.of(Kind.EXACT)),
        again,
        _count(strip, tally.total - tally.of(*KEPT, Kind.NEAR)),
    ]


def _count(strip: Strip, count: int) -> str:
    if not count:
        return "–"
    return str(count) if strip.medium == "video" else amount(strip, count)
