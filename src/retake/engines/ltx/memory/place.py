"""Where the parts are: on the device while a phase needs them, else in the machine's memory."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from retake.engines.ltx.memory.configuration import LARGE_PARTS, Configuration
from retake.engines.ltx.memory.counting import BLOCKS, blocks_of, bytes_of, parts_of
from retake.engines.ltx.memory.float8 import quantise
from retake.engines.ltx.memory.streaming import HOST, stream, unstream
from retake.engines.ltx.memory.work import Phase


class Places:
    """Moves the parts of one model.

    What was brought for one phase stays until the room is needed, so that a card that holds two
    parts out of three does not move them for nothing.

    Args:
        components: The model's parts (`Components`), wherever they lie.
        device: Where they compute.
    """

    def __init__(self, components: Any, device: torch.device) -> None:
        self._parts = parts_of(components)
        self._device = device
        self._streamed: set[str] = set()
        self.float8: frozenset[str] = frozenset()
        self._there = [name for name, part in self._parts.items() if lies_on(part) == {device.type}]

    def hold(self, way: Configuration) -> None:
        """Hold the parts as a configuration says. What is quantised stays quantised."""
        for name in LARGE_PARTS:
            part = self._parts[name]
            if name in way.float8 - self.float8:
                self._leave(name)
                self._unstream(name)
                self._quantise(name, part.to(HOST))
            if name in way.streamed and name not in self._streamed:
                self._leave(name)
                stream(part.to(HOST), self._device, whole_blocks=name == "transformer")
                self._streamed.add(name)
            elif name not in way.streamed:
                self._unstream(name)
        self.float8 |= way.float8

    @contextmanager
    def ready(self, phase: Phase, way: Configuration, room: int) -> Generator[None]:
        """Have a phase's parts on the device while it runs.

        Args:
            phase: Which one.
            way: How the parts are held; `hold` has been called with it.
            room: Bytes that all weights may take on the device during this phase.
        """
        wanted = way.on_device(phase)
        if way.swapped:
            self._make_room(wanted, room)
        for name in wanted:
            self._bring(name)
        yield

    def clear(self) -> None:
        """Take everything off the device."""
        for name in list(self._there):
            self._leave(name)
        release(self._device)

    def _quantise(self, name: str, part: nn.Module) -> None:
        self.clear()
        # On the device it takes seconds, and a block at a time fits beside anything.
        for piece in blocks_of(part, name) if name in BLOCKS else [part]:
            piece.to(self._device)
            quantise([piece])
            piece.to(HOST)

    def _bring(self, name: str) -> None:
        if name in self._streamed or name not in self._parts:
            return
        # Where it lies already this changes nothing, and the order says what was used last.
        self._parts[name].to(self._device)
        if name in self._there:
            self._there.remove(name)
        self._there.append(name)

    def _make_room(self, wanted: tuple[str, ...], room: int) -> None:
        coming = sum(bytes_of(self._parts[name]) for name in wanted if name in self._parts)
        staying = [name for name in self._there if name not in wanted]
        while staying and coming + sum(bytes_of(self._parts[one]) for one in staying) > room:
            self._leave(staying.pop(0))
        release(self._device)

    def _leave(self, name: str) -> None:
        if name in self._there:
            self._there.remove(name)
            self._parts[name].to(HOST)

    def _unstream(self, name: str) -> None:
        if name in self._streamed:
            unstream(self._parts[name])
            self._streamed.discard(name)


def release(device: torch.device) -> None:
    """Give back what the allocator holds and does not use."""
    if device.type == "cuda":
        torch.cuda.empty_cache()


def lies_on(part: nn.Module) -> set[str]:
    """Return the types of the devices that a part's numbers lie on."""
    return {one.device.type for one in (*part.parameters(), *part.buffers())}
