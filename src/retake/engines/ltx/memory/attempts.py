"""A window's way through the phases: each on the device as planned, one step lower when it is full.

Out of memory costs the phase that it happened in, not what was done before: the latents and the
prompt's embeddings are kept. Only where the next step is a smaller working size the window is
begun again.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable
from typing import Any, TypeVar

import torch

from retake.engines.ltx.memory.card import Card, too_small
from retake.engines.ltx.memory.configuration import LARGE_PARTS, Configuration
from retake.engines.ltx.memory.estimate import peak
from retake.engines.ltx.memory.ladder import base_for, plan, step_down
from retake.engines.ltx.memory.place import Places
from retake.engines.ltx.memory.sizes import Sizes
from retake.engines.ltx.memory.work import Phase, Work

T = TypeVar("T")
_LACKING = ("CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED", "CUDA error: out of memory")
_log = logging.getLogger(__name__)


class Smaller(Exception):
    """The window has to be begun again at a smaller working size."""


class Memory:
    """The parts of one model, held from shot to shot as a card allows.

    Args:
        components: The parts (`Components`), wherever they lie.
        card: Where they compute.
        sizes: The parts' sizes; None counts them.
        quantise: Whether blocks are held as 8-bit numbers: None where the card needs it.

    Attributes:
        start: The configuration that planning starts from: whether, and what, is quantised.
    """

    def __init__(
        self,
        components: Any,
        card: Card,
        *,
        sizes: Sizes | None = None,
        quantise: bool | None = None,
    ) -> None:
        self.components = components
        self.card = card
        self.sizes = sizes or Sizes.of(components)
        self.start = start_for(card, self.sizes, quantise=quantise)
        self._places = Places(components, card.device)

    def plan(self, work: Work) -> Configuration:
        """Return how a window would be made.

        Raises:
            EngineFailed: The card does not hold it however it is made (``card_too_small``), or
                there is no GPU for weights of full size (``no_gpu``).
        """
        if self.card.device.type == "cpu":
            if self.sizes.full_size:
                raise too_small(self.card, work, self.sizes)
            return self.start
        way = plan(work, self.card.usable, self.sizes, self.start)
        if way is None:
            raise too_small(self.card, work, self.sizes)
        return way

    def run(self, work: Work, attempt: Callable[[Attempt], T]) -> T:
        """Make a window, with as many steps down as it takes.

        Args:
            work: What is to be done.
            attempt: Makes it through `Attempt.phase`; called again at a smaller working size
                (``Attempt.way.tokens_per_frame``) when nothing else is left.

        Raises:
            EngineFailed: It did not fit at the bottom of the ladder (``card_too_small``).
        """
        way, notes = self.plan(work), list[str]()
        while True:
            one = Attempt(self, work, way, notes)
            try:
                return attempt(one)
            except Smaller:
                way = one.way

    def lower(self, way: Configuration, phase: Phase, work: Work) -> Configuration:
        """Return the next configuration down, with the device cleared.

        Raises:
            EngineFailed: There is none (``card_too_small``).
        """
        lower = step_down(way, phase, work)
        # What the failed phase left behind hangs on the exception's frames.
        gc.collect()
        self._places.clear()
        if lower is None:
            raise too_small(self.card, work, self.sizes)
        _log.warning("out of memory in %s: %s, after %s", phase, lower.name, way.name)
        self.start = Configuration(float8=self.start.float8 | lower.float8)
        return lower

    def within(self, phase: Phase, work: Work, way: Configuration, call: Callable[[], T]) -> T:
        """Call something with a phase's parts on the device."""
        self._places.hold(way)
        activations = peak(phase, work, way, self.sizes).activations
        with self._places.ready(phase, way, max(self.card.usable - activations, 0)):
            return call()


class Attempt:
    """One try at a window.

    Attributes:
        work: What is to be done, at the size that was chosen before `way.pixels`.
        way: How it is made; it changes when a phase had to step down.
        notes: For the user: every step down that was taken, and what the way means.
    """

    def __init__(self, memory: Memory, work: Work, way: Configuration, notes: list[str]) -> None:
        self._memory = memory
        self.work = work
        self._notes = notes
        self.way = way

    @property
    def components(self) -> Any:
        """The model's parts."""
        return self._memory.components

    @property
    def notes(self) -> tuple[str, ...]:
        """What to tell the user of it so far."""
        return tuple(self._notes) + self.way.notes()

    def phase(self, phase: Phase, call: Callable[[], T]) -> T:
        """Call something with a phase's parts on the device, lower down the ladder when it is full.

        `call` may be called several times and has to do the same each time. It looks at `way.tiles`
        when it is called.

        Raises:
            Smaller: Nothing is left but a smaller working size; `Memory.run` takes care of it.
            EngineFailed: Nothing is left at all (``card_too_small``).
        """
        while True:
            try:
                return self._memory.within(phase, self.work, self.way, call)
            except RuntimeError as error:
                if not is_lack_of_memory(error):
                    raise
            self._descend(phase)

    def _descend(self, phase: Phase) -> None:
        before = self.way
        self.way = self._memory.lower(before, phase, self.work)
        self._notes.append(
            f"Out of memory in {phase}: went on with {self.way.name} instead of {before.name}."
        )
        if self.way.pixels != before.pixels:
            raise Smaller


def is_lack_of_memory(error: RuntimeError) -> bool:
    """Return whether a device had too little memory: CUDA's libraries say it in words of theirs."""
    return isinstance(error, torch.OutOfMemoryError) or any(
        words in str(error) for words in _LACKING
    )


def start_for(card: Card, sizes: Sizes, *, quantise: bool | None = None) -> Configuration:
    """Return the configuration that a card starts from.

    Args:
        card: Where the parts compute.
        sizes: The parts.
        quantise: Whether blocks are held as 8-bit numbers; None where the card needs it.
    """
    if card.device.type == "cpu" or quantise is False or not sizes.full_size:
        return Configuration() if not quantise else _all_float8()
    return _all_float8() if quantise else base_for(card.usable, sizes)


def _all_float8() -> Configuration:
    return Configuration(float8=frozenset(LARGE_PARTS))
