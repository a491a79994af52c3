"""The cases of the benchmark: what is made, how, and what it took against the floor."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
import torch
from torch import nn

from ltx_device import Rates, settle
from ltx_trace import decoding, encoding, one_pass, sounding
from retake.core.errors import EngineFailed
from retake.core.watch import Watch
from retake.engines.ltx.info import Options
from retake.engines.ltx.making import Given, make_window
from retake.engines.ltx.memory.attempts import Attempt, Memory, Smaller
from retake.engines.ltx.memory.configuration import LARGE_PARTS, PARTS_OF, TILES, Configuration
from retake.engines.ltx.memory.counting import bytes_of, parts_of
from retake.engines.ltx.memory.work import Phase, Work
from retake.engines.ltx.recipe import recipe_for
from retake.engines.ltx.text import Prompts

T = TypeVar("T")

PROMPT = "A red car drives through heavy rain at night, water splashes, thunder rolls far away."
STEPS = 8


@dataclass(frozen=True)
class Case:
    """One thing to measure.

    Attributes:
        name: For the table.
        work: How large.
        way: How it is held; None as planned.
        made: Which part of the latents in time is made, as shares.
        measured_steps: Steps that are done; times are told for `STEPS`.
    """

    name: str
    work: Work
    way: Configuration | None = None
    made: tuple[float, float] = (0.0, 1.0)
    measured_steps: int = STEPS


@dataclass
class Spent:
    """What each phase took: seconds, and most bytes on the device."""

    seconds: dict[Phase, float] = field(default_factory=dict)
    peak: dict[Phase, int] = field(default_factory=dict)


def cases_for(names: list[str], *, tiny: bool) -> list[Case]:
    """Return the cases that are asked for, all where none is; the highest rungs first."""
    small = Work(64, 64, 17, 18) if tiny else Work(768, 512, 121, 126)
    window = Work(96, 64, 33, 35) if tiny else Work(1920, 1088, 169, 176)
    clip = Work(96, 64, 81, 84) if tiny else Work(1920, 1088, 505, 526)
    steps, rungs = (2 if tiny else STEPS), _rungs(tiny=tiny)
    share = window.frames / clip.frames
    every = [
        Case("small", small, measured_steps=steps),
        Case("windowed", window, made=(1 / 7, 6 / 7), measured_steps=steps),
        Case("whole", clip, made=(0.5 - share / 2, 0.5 + share / 2), measured_steps=2),
        *(Case(f"rungs: {way.name}", small, way, measured_steps=steps) for way in rungs),
    ]
    asked = set(names)
    unknown = asked - {case.name.split(":")[0] for case in every}
    if unknown:
        raise SystemExit(f"no case is called {', '.join(sorted(unknown))}")
    return [case for case in every if not asked or case.name.split(":")[0] in asked]


def run_case(case: Case, memory: Memory, rates: Rates) -> dict[str, Any]:
    """Make the window twice, the first time to warm up, print its table and return the figures."""
    way = case.way or memory.plan(case.work)
    way = replace(way, float8=way.float8 | memory.start.float8)
    device = memory.card.device
    try:
        _once(case, memory, way, steps=1)
        spent, attempt = _once(case, memory, way, steps=case.measured_steps)
    except (Smaller, EngineFailed) as error:
        print(f"{case.name}: does not fit as {way.name} ({error})")
        return {"case": case.name, "way": way.name, "fits": False}
    spent.seconds[Phase.DENOISE] *= STEPS / case.measured_steps
    floors = floor_of(case.work, memory, rates)
    total = sum(spent.seconds.values())
    print(_heading(case, attempt, total))
    rows: dict[str, Any] = {}
    for phase, seconds in spent.seconds.items():
        flops, floor = floors[phase]
        peak = spent.peak.get(phase, 0)
        rows[phase.value] = {
            "seconds": seconds, "flops": flops, "floor": floor, "peak_bytes": peak,
        }  # fmt: skip
        print(
            f"| {phase.value:8} | {seconds:9.3f} | {flops / 1e12:10.4g} | {floor:9.3f} "
            f"| {floor / seconds:6.1%} | {peak / 2**30:8.2f} |"
        )
    settle(device)
    return {
        "case": case.name, "way": attempt.way.name, "tokens": case.work.video_tokens,
        "seconds": total, "phases": rows, "notes": list(attempt.notes),
    }  # fmt: skip


def floor_of(work: Work, memory: Memory, rates: Rates) -> dict[Phase, tuple[float, float]]:
    """Return operations and the least seconds of each phase.

    The least is what the operations take at the measured rate of products, or what reading the
    weights once for each pass takes at the measured bandwidth, whichever is longer.
    """
    flops = operations(work, memory)
    held = {name: bytes_of(part) for name, part in parts_of(memory.components).items()}
    least: dict[Phase, tuple[float, float]] = {}
    for phase, count in flops.items():
        runs = STEPS if phase is Phase.DENOISE else 1
        read = runs * sum(held.get(name, 0) for name in PARTS_OF[phase])
        least[phase] = count, max(count / rates.flops, read / rates.bandwidth)
    return least


def operations(work: Work, memory: Memory) -> dict[Phase, float]:
    """Return the operations of each phase; every case of one size asks for the same."""
    key = (work, id(memory))
    if key not in _COUNTED:
        _COUNTED[key] = _counted(work, memory)
    return _COUNTED[key]


_COUNTED: dict[tuple[Work, int], dict[Phase, float]] = {}


def _counted(work: Work, memory: Memory) -> dict[Phase, float]:
    parts = _on_meta(memory.components)
    text = sum(
        2.0 * memory.sizes.parameters[name] * work.prompt_tokens for name in PARTS_OF[Phase.TEXT]
    )
    return {
        Phase.ENCODE: encoding(parts["vae"], work).flops,
        Phase.TEXT: text,
        Phase.DENOISE: one_pass(parts["transformer"], work).flops * STEPS,
        Phase.DECODE: decoding(parts["vae"], work).flops,
        Phase.SOUND: sounding(parts["audio_vae"], parts["vocoder"], work.audio_latents).flops,
    }


def _once(case: Case, memory: Memory, way: Configuration, steps: int) -> tuple[Spent, Attempt]:
    components = memory.components
    recipe = recipe_for(Options(preset="fast", num_inference_steps=steps), components)
    work, spent = case.work, Spent()
    attempt = _Timed(memory, replace(work, steps=steps), way, spent)
    first, last = (round(share * work.latent_frames) for share in case.made)
    made = tuple(first <= n < last for n in range(work.latent_frames))
    sound = tuple(
        case.made[0] <= n / work.audio_latents < case.made[1] for n in range(work.audio_latents)
    )
    generator = np.random.default_rng(0)
    given = Given(
        video=torch.zeros(3, work.frames, work.height, work.width).uniform_(-1, 1),
        features=generator.standard_normal((2, work.audio_latents * 4, 64)).astype(np.float32),
        video_mask=made,
        audio_mask=sound,
        fps=24.0,
        prompt=PROMPT,
        seed=0,
    )
    make_window(attempt, given, recipe, Prompts(), Watch())
    return spent, attempt


class _Timed(Attempt):
    """An attempt that keeps book of what each phase takes."""

    def __init__(self, memory: Memory, work: Work, way: Configuration, spent: Spent) -> None:
        super().__init__(memory, work, way, [])
        self._device = memory.card.device
        self._spent = spent

    def phase(self, phase: Phase, call: Callable[[], T]) -> T:
        settle(self._device)
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
        before = time.perf_counter()
        made = super().phase(phase, call)
        settle(self._device)
        took = time.perf_counter() - before
        self._spent.seconds[phase] = self._spent.seconds.get(phase, 0.0) + took
        if self._device.type == "cuda":
            self._spent.peak[phase] = torch.cuda.max_memory_allocated(self._device)
        return made


def _rungs(*, tiny: bool) -> list[Configuration]:
    large = frozenset(LARGE_PARTS)
    tiles = replace(TILES[-1], edge=64, shared_edge=0) if tiny else TILES[1]
    eight = Configuration(swapped=True, float8=large)
    return [
        Configuration(),
        Configuration(swapped=True),
        Configuration(swapped=True, streamed=large),
        Configuration(swapped=True, tiles=tiles),
        eight,
        replace(eight, streamed=large),
    ]


def _on_meta(components: Any) -> dict[str, Any]:
    """Return parts of the same configurations on the meta device, to count operations with."""
    made: dict[str, Any] = {}
    for name in ("transformer", "vae", "audio_vae", "vocoder"):
        part = getattr(components, name)
        with torch.device("meta"):
            twin: nn.Module = type(part).from_config(copy.deepcopy(dict(part.config)))
        made[name] = twin.eval()
    return made


def _heading(case: Case, attempt: Attempt, total: float) -> str:
    work = case.work
    scaled = "" if case.measured_steps == STEPS else f", from {case.measured_steps} steps measured"
    return "\n".join(
        [
            f"{case.name}: {work.width}x{work.height}, {work.frames} frames, "
            f"{work.video_tokens} video and {work.audio_latents} sound tokens, "
            f"{STEPS} steps{scaled}",
            f"held as: {attempt.way.name}; {total:.2f} s in all",
            *attempt.notes,
            "| phase    |   seconds |     TFLOP | floor (s) | reached | peak GiB |",
            "|---|---|---|---|---|---|",
        ]
    )
