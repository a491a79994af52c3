"""What `retake edit` shows while it works: bars on a terminal, plain lines elsewhere, or JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from retake.core.errors import RetakeError
from retake.core.eta import percent_done, seconds_left
from retake.core.watch import Stage

Takes = Sequence[Mapping[str, Any]]
"""What became of each take, where several were asked for; see `retake.steps.outcome`."""


class Show(Protocol):
    """Somebody who is told how an edit goes; `progress` may come from another thread."""

    def progress(self, stage: Stage, done: int, total: int) -> None:
        """Tell how far a stage is."""
        ...

    def done(
        self,
        files: Mapping[str, str],
        report: Mapping[str, Any],
        takes: Takes = (),
        picked: Mapping[str, Any] | None = None,
    ) -> None:
        """Tell what came out."""
        ...

    def failed(self, error: RetakeError) -> None:
        """Tell why nothing came out."""
        ...

    def close(self) -> None:
        """Leave the screen in order."""
        ...


class JsonLines:
    """One JSON object a line on stdout, for programs."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._last = (Stage.FETCH, -1.0)

    def progress(self, stage: Stage, done: int, total: int) -> None:
        """Write an event for every whole percent and every new stage."""
        percent = percent_done(stage, done, total)
        if stage == self._last[0] and percent - self._last[1] < 1:
            return
        self._last = (stage, percent)
        eta = seconds_left(percent, time.monotonic() - self._began)
        self._write(
            "progress",
            {
                "stage": stage,
                "done": done,
                "total": total,
                "percent": percent,
                "eta_s": None if eta is None else round(eta, 1),
            },
        )

    def done(
        self,
        files: Mapping[str, str],
        report: Mapping[str, Any],
        takes: Takes = (),
        picked: Mapping[str, Any] | None = None,
    ) -> None:
        """Write the final event."""
        several: dict[str, Any] = {"takes": takes} if takes else {}
        several |= {"picked": picked} if picked else {}
        self._write("done", {"files": files, "report": report, **several})

    def failed(self, error: RetakeError) -> None:
        """Write the final event of a failure."""
        self._write("error", {"error": error.message, **error.to_dict()})

    def close(self) -> None:
        """Nothing is left open."""

    @staticmethod
    def _write(event: str, fields: Mapping[str, Any]) -> None:
        sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
        sys.stdout.flush()


class PlainLines:
    """Lines on stderr for logs and pipes: every new stage and every tenth percent within it."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._said: tuple[Stage, int] | None = None

    def progress(self, stage: Stage, done: int, total: int) -> None:
        """Write a line when there is news."""
        tenth = 10 * done // total if total else 0
        if (stage, tenth) == self._said:
            return
        self._said = (stage, tenth)
        percent = percent_done(stage, done, total)
        eta = seconds_left(percent, time.monotonic() - self._began)
        left = "" if eta is None else f", about {eta:.0f} s left"
        sys.stderr.write(f"{stage:<9} {10 * tenth:3d} %  ({percent:.0f} % of the whole{left})\n")

    def done(
        self,
        files: Mapping[str, str],
        report: Mapping[str, Any],
        takes: Takes = (),
        picked: Mapping[str, Any] | None = None,
    ) -> None:
        """Show the summary."""
        from retake.cli.summary import show_summary

        show_summary(files, report, takes, picked)

    def failed(self, error: RetakeError) -> None:
        """Write the error."""
        sys.stderr.write(f"retake: {error.message}\n")

    def close(self) -> None:
        """Nothing is left open."""


def show_for(*, as_json: bool) -> Show:
    """Return how this process shows progress: JSON if asked, bars on a terminal, else lines."""
    if as_json:
        return JsonLines()
    if sys.stderr.isatty():
        from retake.cli.bars import Bars

        return Bars()
    return PlainLines()
