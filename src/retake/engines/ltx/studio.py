"""A loaded model, which makes takes of shots: plan the windows, make each, join what comes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from retake.core.timing import FrameRange
from retake.core.watch import Stage
from retake.engines.engine import Frame, Shot, Take
from retake.engines.ltx.colour import light_of
from retake.engines.ltx.compiling import compile_blocks
from retake.engines.ltx.components import Components, load
from retake.engines.ltx.info import Options
from retake.engines.ltx.making import make_window
from retake.engines.ltx.memory.attempts import Attempt, Memory
from retake.engines.ltx.memory.card import read_card
from retake.engines.ltx.memory.work import Phase, Work
from retake.engines.ltx.planning import frames_for, grid_for, windows_for
from retake.engines.ltx.progress import WHOLE
from retake.engines.ltx.prompting.check import check as check_prompt
from retake.engines.ltx.prompting.enhance import can_enhance, enhance
from retake.engines.ltx.rate import Grid
from retake.engines.ltx.recipe import Recipe, recipe_for
from retake.engines.ltx.shooting import Reel, Scene
from retake.engines.ltx.size import CELL, WorkingSize, choose_size
from retake.engines.ltx.text import Prompts, beyond
from retake.engines.ltx.weights.loras import Lora
from retake.engines.ltx.weights.merging import merge
from retake.engines.ltx.window import Window

MOST_TOKENS = 1920 * 1088 // 32**2
"""Video tokens of one latent frame at the largest working size."""


def open_studio(
    folder: Path,
    device: str | None = None,
    *,
    distilled: bool | None = None,
    loras: Sequence[Lora] = (),
    quantise: bool | None = None,
    compiled: bool = False,
) -> Studio:
    """Load the weights in `folder`.

    Args:
        folder: In diffusers' layout.
        device: Where to compute: ``cuda``, ``cuda:1``, ``cpu``; None takes a GPU where there is
            one.
        distilled: Whether the weights take eight steps without guidance; None asks their scheduler.
        loras: What is put into the weights.
        quantise: Whether blocks are held as 8-bit numbers; None where the card needs it.
        compiled: Whether the transformer's blocks are compiled.

    Raises:
        EngineFailed: They cannot be loaded, or a LoRA is for others.
    """
    card = read_card(device)
    # The same request has to give the same bytes: convolutions in an order that is always the same.
    torch.backends.cudnn.deterministic = True
    dtype = torch.float32 if card.device.type == "cpu" else torch.bfloat16
    # They are loaded into the machine's memory, and brought to the device as the memory plan says.
    components = replace(load(folder, "cpu", dtype, distilled=distilled), device=card.device)
    parts = {"transformer": components.transformer, "connectors": components.connectors}
    merge(parts, loras, card.device)
    memory = Memory(components, card, quantise=quantise)
    if compiled:
        compile_blocks(components.transformer)
    return Studio(components, memory)


class Studio:
    """A model ready to make takes; its weights and the last prompts stay loaded.

    Args:
        components: The model's parts.
        memory: Where they are, phase by phase.
    """

    def __init__(self, components: Components, memory: Memory) -> None:
        self.components = components
        self._memory = memory
        self._prompts = Prompts()

    def take(self, shot: Shot, options: Options) -> Take:
        """Return a take of a shot.

        Raises:
            EngineFailed: It could not be made.
            Cancelled: `shot.watch` was cancelled.
        """
        recipe = recipe_for(options, self.components)
        seen = frames_for(shot, options)
        grid = grid_for(shot, seen)
        light = light_of(shot)
        windows = windows_for(grid, options)

        def attempt(one: Attempt) -> Take:
            size = size_for(shot, one.way.tokens_per_frame, recipe)
            own = recipe.at(size)
            told, said = self._told(one, shot, options)
            reel = Reel(Scene(told, grid, size, light, seen.start), windows)
            self._make_all(one, reel, windows, own, told)
            cut = _cut_note(told.prompt, self.components)
            notes = (*said, *cut, *_size_note(size), *own.notes, *one.notes)
            return _taken(shot, reel, (*notes, light.note) if light.note else notes)

        return self._memory.run(_work(shot, grid, windows, recipe, self.components), attempt)

    def _told(self, attempt: Attempt, shot: Shot, options: Options) -> tuple[Shot, tuple[str, ...]]:
        """Return the shot with the prompt that the model reads, and what to say of the prompt."""
        if not options.enhance_prompt:
            return shot, check_prompt(shot.prompt)
        if not can_enhance(self.components):
            return shot, ("The prompt was not enhanced: these weights' text encoder does not.",)
        enhanced = attempt.phase(
            Phase.TEXT, lambda: enhance(shot.prompt, self.components, shot.watch.check)
        )
        if enhanced == shot.prompt:
            return shot, ("The prompt was not enhanced: nothing useful came.",)
        return replace(shot, prompt=enhanced), (f"The prompt was enhanced: {enhanced}",)

    def _make_all(
        self, attempt: Attempt, reel: Reel, windows: tuple[Window, ...], recipe: Recipe, shot: Shot
    ) -> None:
        for number, window in enumerate(windows):
            part = shot.watch.part(number, len(windows))
            part.progress(Stage.GENERATE, 0, WHOLE)
            given = reel.given(window)
            made = make_window(attempt, given, recipe, self._prompts, part)
            reel.take_in(window, made)


def size_for(shot: Shot, most_tokens: int | None, recipe: Recipe | None = None) -> WorkingSize:
    """Return the working size for a shot.

    Args:
        shot: Its frames' size and pixels' aspect count.
        most_tokens: Most video tokens of one latent frame; None is the model's own limit.
        recipe: Where its latents are doubled the size is one that has a half.
    """

    def chosen(cell: int) -> WorkingSize:
        return choose_size(
            shot.frames.width,
            shot.frames.height,
            max_tokens=min(most_tokens or MOST_TOKENS, MOST_TOKENS),
            pixel_aspect=shot.pixel_aspect,
            cell=cell,
        )

    if recipe is not None and recipe.at(twice := chosen(2 * CELL)).doubles:
        return twice
    return chosen(CELL)


def _work(
    shot: Shot, grid: Grid, windows: tuple[Window, ...], recipe: Recipe, components: Components
) -> Work:
    size = size_for(shot, None, recipe)
    longest = max(window.count for window in windows)
    return Work(
        width=size.width,
        height=size.height,
        frames=longest,
        audio_latents=round(longest / grid.rate * 25) + 2,
        steps=recipe.steps,
        passes=len(recipe.guidance.passes),
        together=2 if recipe.guidance.batched and recipe.guidance.needs_negative else 1,
        prompt_tokens=components.prompt_tokens,
    )


def _taken(shot: Shot, reel: Reel, notes: tuple[str, ...]) -> Take:
    frames: Iterator[Frame] | None = None
    handles = None
    if shot.mode.replaces_video:
        first = next(iter(shot.frames.read(FrameRange(0, 1))))
        dtype: np.dtype[np.generic] = first.dtype
        frames, handles = reel.frames(dtype), reel.handles(dtype)
    sound = reel.sound() if shot.mode.replaces_audio else None
    return Take(frames, sound, notes, handles)


def _size_note(size: WorkingSize) -> tuple[str, ...]:
    if size.scaled == size.source:
        return ()
    (width, height), (across, down) = size.source, size.scaled
    return (f"Made at {across}x{down} and scaled to {width}x{height}.",)


def _cut_note(prompt: str, components: Components) -> tuple[str, ...]:
    unread = beyond(prompt, components)
    if not unread:
        return ()
    limit = components.prompt_tokens
    return (f"The prompt is longer than {limit} tokens; this was not read: {unread[:200]!r}",)
