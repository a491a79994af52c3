"""Progress of one window across its phases, in thousandths of the time that they should take.

Told by the shares of the estimate, so that what is left can be told from what is behind: a request
with two hundred frames to decode is not done when the last denoising step is.
"""

from __future__ import annotations

from retake.core.watch import Stage, Watch
from retake.engines.ltx.memory.estimate import flops
from retake.engines.ltx.memory.work import Phase, Work

WHOLE = 1000

_SECONDS_PER_PHASE = 2e12
"""What a phase takes however little there is to do, as operations: moving parts, the processor's
own work. It keeps phases of tiny windows from vanishing."""


class Progress:
    """Tells a watch how far a window is.

    Args:
        watch: Told in thousandths of the window.
        work: The window.
        phases: Those that it goes through, in order.
    """

    def __init__(self, watch: Watch, work: Work, phases: tuple[Phase, ...] = tuple(Phase)) -> None:
        self._watch = watch
        costs = {phase: flops(work, phase) + _SECONDS_PER_PHASE for phase in phases}
        total, before = sum(costs.values()), 0.0
        self._from: dict[Phase, tuple[float, float]] = {}
        for phase, cost in costs.items():
            self._from[phase] = (before / total, cost / total)
            before += cost

    def at(self, phase: Phase, share: float = 0.0) -> None:
        """Tell that `share` of a phase is done; also where a wish to cancel takes effect.

        Raises:
            Cancelled: The watch was cancelled.
        """
        start, length = self._from[phase]
        done = start + length * min(max(share, 0.0), 1.0)
        self._watch.progress(Stage.GENERATE, round(done * WHOLE), WHOLE)
