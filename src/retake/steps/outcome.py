"""What is kept of a finished request: JSON-ready, and the same for every door."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from retake.core.scoring import worst
from retake.steps.run import Finished
from retake.steps.takes import Take


def outcome_of(finished: Finished) -> dict[str, Any]:
    """Return ``files``, ``report`` and ``notes`` of the take that is given out first.

    Where several takes were asked for, ``takes`` tells of each: its number, seed and status, its
    files, seams and notes or its error. ``warnings`` name those that could not be made. Where the
    best one was asked for, ``picked`` says which it is and why.
    """
    report = finished.report.to_dict()
    outcome: dict[str, Any] = {
        "files": finished.files,
        "report": report,
        "notes": report["notes"],
    }
    if len(finished.takes) > 1:
        outcome["takes"] = [_told(take) for take in finished.takes]
        outcome["warnings"] = failed_takes(finished)
    if finished.picked is not None:
        outcome["picked"] = asdict(finished.picked)
    return outcome


def failed_takes(finished: Finished) -> list[str]:
    """Return what is to be said of takes that could not be made."""
    return [
        f"take {take.number} (seed {take.seed}) failed: {take.error.message}"
        for take in finished.takes
        if take.error is not None
    ]


def _told(take: Take) -> dict[str, Any]:
    told: dict[str, Any] = {"take": take.number, "seed": take.seed}
    if take.error is not None or take.report is None:
        error = None if take.error is None else take.error.to_dict()
        return {**told, "status": "failed", "error": error, "files": {}}
    report = take.report.to_dict()
    return {
        **told,
        "status": "success",
        "files": take.files,
        "seams": report["seams"],
        "score": worst(take.report.every_seam),
        "notes": report["notes"],
        "fallback": report["fallback"],
        "stages_s": report["stages_s"],
    }
