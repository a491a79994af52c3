"""The short table at the end of an edit: what was kept, how it was joined, where it lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table


def show_summary(
    files: Mapping[str, str],
    report: Mapping[str, Any],
    takes: Sequence[Mapping[str, Any]] = (),
    picked: Mapping[str, Any] | None = None,
) -> None:
    """Print the report's main figures to stdout, and what became of each of several takes."""
    console = Console(highlight=False)
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for section in report["sections"] or (report["section"],):
        table.add_row("section", _section(section))
    table.add_row("video", _stream(report["video"], "frames"))
    table.add_row("audio", _stream(report["audio"], "samples"))
    for section in report["sections"] or (report,):
        table.add_row("seams", _seams(section["seams"]))
        if steps := _steps(section["seams"]):
            table.add_row("", steps)
    passed = sum(check["passed"] for check in report["checks"])
    table.add_row("verified", f"{passed} of {len(report['checks'])} checks passed")
    if report["fallback"]:
        table.add_row("fallback", report["fallback"])
    table.add_row("engine", f"{report['engine']}, seed {report['seed']}")
    for note in report["notes"]:
        table.add_row("note", note)
    table.add_row("took", _stages(report["stages_s"]))
    for role, path in files.items():
        table.add_row(role, f"[bold]{path}[/]")
    for take in takes:
        table.add_row(f"take {take['take']}", _take(take))
    if picked is not None:
        table.add_row("best", picked["why"])
    console.print(table)


def _section(section: Mapping[str, Any]) -> str:
    return (
        f"frames {section['first_frame']}–{section['last_frame']}, "
        f"{section['start_s']:.3f}–{section['end_s']:.3f} s"
        + (" (cut at the video's end)" if section["clamped"] else "")
    )


def _take(take: Mapping[str, Any]) -> str:
    if take["status"] != "success":
        return f"seed {take['seed']}, [bold dark_orange]failed[/]: {take['error']['message']}"
    return f"seed {take['seed']}, [bold]{take['files']['video']}[/], seams {_seams(take['seams'])}"


def _stream(stream: Mapping[str, Any], unit: str) -> str:
    reason = f" – {stream['reason']}" if stream["reason"] else ""
    if stream["action"] == "absent":
        return f"none{reason}"
    kept = f"{stream['packets_copied']} of {stream['packets']} packets kept bit for bit"
    generated = stream["frames_generated"]
    made = f", {generated} {unit} made anew" if generated else ""
    again = stream["frames_reencoded"]
    pads = f", {again} {unit} around them re-encoded" if again else ""
    return f"{stream['action']}: {kept}{made}{pads}{reason}"


def _seams(seams: Mapping[str, float | None]) -> str:
    said = [
        f"{label} {seams[f'psnr_{end}_db']:.1f} dB"
        for label, end in (("in", "in"), ("out", "out"))
        if seams[f"psnr_{end}_db"] is not None
    ]
    steps = [seams[f"loudness_step_{end}_lu"] for end in ("in", "out")]
    if any(step is not None for step in steps):
        said.append(
            "loudness step "
            + " / ".join("–" if step is None else f"{step:+.1f}" for step in steps)
            + " LU"
        )
    if seams["score"] is None:
        return ", ".join(said) or "none"
    return ", ".join([f"score {seams['score']:g} of 100", *said])


def _steps(seams: Mapping[str, float | None]) -> str:
    """Return the steps of the pictures, those at the start before those at the end."""
    kinds = {"colour": ("de", "ΔE"), "motion": ("pct", "%/s"), "sharpness": ("db", "dB")}
    said: list[str] = []
    for kind, (ending, unit) in kinds.items():
        steps = [seams[f"{kind}_step_{end}_{ending}"] for end in ("in", "out")]
        if any(step is not None for step in steps):
            sign = "+" if kind == "sharpness" else ""
            both = " / ".join("–" if step is None else f"{step:{sign}.1f}" for step in steps)
            said.append(f"{kind} {both} {unit}")
    return ", ".join(said)


def _stages(stages: Mapping[str, float]) -> str:
    return ", ".join(f"{stage} {took:.1f} s" for stage, took in stages.items() if took >= 0.05)
