"""Takes of the real engine with tiny weights whose phases run out of memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from retake.engines.engine import Shot, Take
from retake.engines.ltx.components import Components, load
from retake.engines.ltx.info import check_options
from retake.engines.ltx.memory.attempts import Memory
from retake.engines.ltx.memory.card import read_card
from retake.engines.ltx.memory.counting import parts_of
from retake.engines.ltx.studio import Studio
from tests.ltx.shots import make_shot

FEW = {"num_inference_steps": 2}


def opened(folder: Path) -> Studio:
    components = load(folder, "cpu", torch.float32)
    return Studio(components, Memory(components, read_card("cpu")))


def taken(studio: Studio, shot: Shot) -> Take:
    return studio.take(shot, check_options(shot.options))


def pictures(take: Take) -> np.ndarray[Any, Any]:
    assert take.frames is not None
    return np.array(list(take.frames)).astype(float)


def failing(monkeypatch: pytest.MonkeyPatch, components: Components, part: str, times: int) -> None:
    """Let a part run out of memory so often when it is called."""
    module: Any = parts_of(components)[part]
    left = [times]
    own: Callable[..., Any] = module.forward

    def forward(*given: Any, **named: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise torch.OutOfMemoryError("CUDA out of memory, as this test wants it")
        return own(*given, **named)

    monkeypatch.setattr(module, "forward", forward)


@pytest.mark.parametrize(
    ("part", "phase"),
    [
        ("vae_encoder", "encode"),
        ("connectors", "text"),
        ("transformer", "denoise"),
        ("vae_decoder", "decode"),
        ("vocoder", "sound"),
    ],
)
def test_one_failure_costs_a_phase_and_nothing_of_the_result(
    ltx_folder: Path, monkeypatch: pytest.MonkeyPatch, part: str, phase: str
):
    studio = opened(ltx_folder)
    shot = make_shot(size=(64, 32), section=9, options=FEW)
    before = pictures(taken(opened(ltx_folder), shot))
    failing(monkeypatch, studio.components, part, 1)
    take = taken(studio, shot)
    assert [note for note in take.notes if "Out of memory" in note] == [
        f"Out of memory in {phase}: went on with bf16, one part at a time instead of bf16, all "
        "loaded."
    ]
    assert np.array_equal(pictures(take), before)


def test_many_failures_end_in_a_smaller_size_and_the_frames_keep_the_source_s(
    ltx_folder: Path, monkeypatch: pytest.MonkeyPatch
):
    studio = opened(ltx_folder)
    failing(monkeypatch, studio.components, "transformer", 4)
    shot = make_shot(size=(384, 256), section=9, options=FEW | {"upscale": "never"})
    take = taken(studio, shot)
    said = "\n".join(take.notes)
    assert said.count("Out of memory in denoise") == 4
    assert "megapixels" in said
    assert "Made at" in said
    assert pictures(take).shape == (9, 256, 384, 3)


def test_a_second_take_of_the_same_prompt_needs_no_text_encoder(
    ltx_folder: Path, monkeypatch: pytest.MonkeyPatch
):
    studio = opened(ltx_folder)
    entered: list[str] = []
    within = Memory.within

    def noted(self: Memory, phase: Any, *more: Any) -> Any:
        entered.append(phase)
        return within(self, phase, *more)

    monkeypatch.setattr(Memory, "within", noted)
    taken(studio, make_shot(size=(32, 32), section=9, options=FEW))
    assert "text" in entered
    entered.clear()
    taken(studio, make_shot(size=(32, 32), section=9, options=FEW, seed=5))
    assert entered == ["encode", "denoise", "decode", "sound"]
