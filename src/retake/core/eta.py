"""How far a request is as a whole, and how long it may still take."""

from __future__ import annotations

from retake.core.watch import Stage

# Shares of the whole way that the stages take on the embedded engine, measured on the demo clip.
# They need only be plausible: the estimate corrects itself as the stages pass.
_SHARES = {
    Stage.FETCH: 2,
    Stage.PROBE: 1,
    Stage.PLAN: 0,
    Stage.GENERATE: 80,
    Stage.RENDER: 10,
    Stage.VERIFY: 5,
    Stage.PUBLISH: 2,
}
_ORDER = tuple(Stage)


def percent_done(stage: Stage, done: int, total: int) -> float:
    """Return how much of the whole way is behind, 0..100, with `done` of `total` in `stage`."""
    before = sum(_SHARES[earlier] for earlier in _ORDER[: _ORDER.index(stage)])
    within = min(done / total, 1.0) if total > 0 else 0.0
    return round((before + _SHARES[stage] * within) * 100 / sum(_SHARES.values()), 1)


def seconds_left(percent: float, elapsed_s: float) -> float | None:
    """Return an estimate of the seconds still to go; None while it would be a guess."""
    if percent < 5:
        return None
    return elapsed_s * (100 - percent) / percent
