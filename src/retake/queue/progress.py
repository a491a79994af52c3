"""How far a request is and how long it will take: kept in memory, never written per frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from retake.core.watch import Stage

# Share of the whole that each stage takes, in percent, for 1080p sources of 10 to 20 s.
_SHARE: dict[Stage, int] = {
    Stage.FETCH: 4,
    Stage.PROBE: 1,
    Stage.PLAN: 1,
    Stage.GENERATE: 70,
    Stage.RENDER: 16,
    Stage.VERIFY: 6,
    Stage.PUBLISH: 2,
}
_STAGES = tuple(_SHARE)
# Less than this says nothing of the speed.
_MIN_PERCENT = 3.0
_MIN_ELAPSED_S = 1.0


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
        return Progress(stage, 0, 0, since, _percent(stage, 0, 0))

    def at(self, stage: Stage, done: int, total: int) -> Progress:
        """Return this progress moved on."""
        return Progress(stage, max(done, 0), max(total, 0), self.since, self.first_percent)

    @property
    def percent(self) -> float:
        """How much of the whole request is done: 0 to 100, one decimal."""
        return round(_percent(self.stage, self.done, self.total), 1)

    def eta_seconds(self, now: float) -> int | None:
        """Return the seconds that are left if it goes on at this pace; None while too early."""
        gained = self.percent - self.first_percent
        elapsed = now - self.since
        if gained < _MIN_PERCENT or elapsed < _MIN_ELAPSED_S:
            return None
        return round(elapsed * (100 - self.percent) / gained)

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


def _percent(stage: Stage, done: int, total: int) -> float:
    before = sum(_SHARE[earlier] for earlier in _STAGES[: _STAGES.index(stage)])
    part = min(done / total, 1.0) if total else 0.0
    return before + _SHARE[stage] * part
