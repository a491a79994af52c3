"""How far a request is and how long it will take: kept in memory, never written per frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from retake.core.eta import percent_done, seconds_left
from retake.core.watch import Stage


@dataclass(frozen=True, slots=True)
class Progress:
    """A moment of one request. `since` is when the engine took it up, on the monotonic clock."""

    stage: Stage
    done: int
    total: int
    since: float
    first_percent: float

    @staticmethod
    def begin(stage: Stage | None, since: float) -> Progress:
        """Return the progress of a request taken up at `stage` (None: at its beginning)."""
        stage = stage or Stage.FETCH
        return Progress(stage, 0, 0, since, percent_done(stage, 0, 0))

    def at(self, stage: Stage, done: int, total: int) -> Progress:
        """Return this progress moved on."""
        return Progress(stage, max(done, 0), max(total, 0), self.since, self.first_percent)

    @property
    def percent(self) -> float:
        """How much of the whole request is done: 0 to 100, one decimal."""
        return percent_done(self.stage, self.done, self.total)

    def eta_seconds(self, now: float) -> int | None:
        """Return the seconds that are left if it goes on at this pace; None while too early."""
        # What was done before a restart says nothing of the pace now.
        of_this_run = 100 * (self.percent - self.first_percent) / (100 - self.first_percent)
        left = seconds_left(of_this_run, now - self.since)
        return None if left is None else round(left)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON-ready part that users see."""
        return {
            "stage": self.stage.value,
            "done": self.done,
            "total": self.total,
            "percent": self.percent,
        }


def stage_named(name: object) -> Stage | None:
    """Return the stage of this name; None for anything else."""
    try:
        return Stage(name)
    except ValueError:
        return None
