"""Running a fluid along the section's clock, fed by whatever burns."""

from __future__ import annotations

from abc import ABC, abstractmethod

from retake.core.watch import Watch
from retake.engines.vfx.sim.fluid import Fluid, Physics

_LONGEST_S = 1 / 22
_SHORTEST_S = 1 / 40


def smooth(start: float, end: float, x: float) -> float:
    """Return 0 before `start`, 1 after `end`, and a smooth step between; a jump if they meet."""
    if end <= start:
        return 1.0 if x >= start else 0.0
    t = min(max((x - start) / (end - start), 0.0), 1.0)
    return t * t * (3 - 2 * t)


class Burn(ABC):
    """A fluid and what feeds it. Everything is told in units of length; `cells` make one.

    Args:
        fluid: The box of gas.
        cells: Cells in one unit of length.
        begin_s: When the effect begins, seconds from the section's start.
        end_s: When it has gone.
    """

    def __init__(self, fluid: Fluid, cells: float, begin_s: float, end_s: float) -> None:
        self.fluid = fluid
        self.cells = cells
        self.begin_s = begin_s
        self.end_s = end_s
        self._now_s: float | None = None

    def advance(self, time_s: float, watch: Watch) -> float:
        """Run the fluid up to `time_s`; return the seconds that are left to be bridged.

        Frames that follow each other in less than 1/40 s share a step; the march bridges the
        rest by looking where the gas came from.

        Raises:
            Cancelled: The watch was cancelled.
        """
        if self._now_s is None:
            self.start(watch)
            self._now_s = time_s
            return 0.0
        ahead = time_s - self._now_s
        if ahead < _SHORTEST_S - 1e-9:
            return ahead
        steps = max(1, -int(-(ahead + 1e-9) // _LONGEST_S))
        for _ in range(steps):
            watch.check()
            self._now_s += ahead / steps
            self._step(self._now_s, ahead / steps)
        return 0.0

    def _step(self, time_s: float, dt: float) -> None:
        self.feed(time_s, dt)
        pieces = self.pieces(time_s)
        for _ in range(pieces):
            self.fluid.step(
                dt / pieces, self.physics(time_s), self.relax(time_s) ** (dt * 24 / pieces)
            )

    def relax(self, time_s: float) -> float:  # noqa: ARG002 -- some burns change it
        """Return what is left of the texture's displacement after 1/24 s."""
        return 0.935

    def pieces(self, time_s: float) -> int:  # noqa: ARG002 -- some burns change it
        """Return into how many steps of the fluid a step of the clock is cut."""
        return 1

    def run_up(self, length_s: float, step_s: float, watch: Watch) -> None:
        """Burn unseen for `length_s` seconds before `begin_s`, in steps of `step_s`.

        Raises:
            Cancelled: The watch was cancelled.
        """
        time_s = self._now_s = self.begin_s - length_s
        while time_s < self.begin_s - 1e-6:
            time_s += step_s
            self.advance(time_s, watch)

    @abstractmethod
    def start(self, watch: Watch) -> None:
        """Put in what is there at the first moment.

        Raises:
            Cancelled: The watch was cancelled.
        """

    @abstractmethod
    def feed(self, time_s: float, dt: float) -> None:
        """Put in what burns during the `dt` seconds that end at `time_s`."""

    @abstractmethod
    def physics(self, time_s: float) -> Physics:
        """Return how the gas behaves at `time_s`."""
