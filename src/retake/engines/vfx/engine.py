"""The engine `vfx`: understands the prompt, looks at the scene, draws, sounds, says what it did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from retake.core.errors import BadRequest, EngineFailed
from retake.core.request import Mode
from retake.core.watch import Stage
from retake.engines.engine import EngineInfo, Estimate, Shot, Sound, Take
from retake.engines.vfx import notes
from retake.engines.vfx.info import INFO, Options, check_options
from retake.engines.vfx.plan import PromptPlan

_SECONDS_PER_MEGAPIXEL = {"explosion": 0.30, "fire": 0.22, "smoke": 0.22, "storm": 0.10}
_CHEAPEST = 0.085
_GATHER_SECONDS_PER_MEGAPIXEL = 0.01
_GATHER_SECONDS_PER_FRAME = 0.02
_SIMULATION_S = 15.0
_SIMULATED = ("explosion", "fire", "smoke")
_SOUND_S_PER_S = 0.25


class VfxEngine:
    """The embedded engine. Loads its parts when they are first needed and keeps them."""

    def describe(self) -> EngineInfo:
        """Return what this engine is, without loading anything."""
        return INFO

    def warm(self) -> None:
        """Compile the kernels and load the tables, which takes seconds the first time."""
        from retake.engines.vfx.warming import warm

        warm()

    def check(self, prompt: str, options: Mapping[str, Any]) -> tuple[str, ...]:
        """Return warnings about a prompt: what of it would be ignored.

        Raises:
            BadRequest: An option is unknown or out of range, or `strict` was asked for and the
                prompt holds something that the engine cannot do.
        """
        checked = check_options(options)
        plan = _understand(prompt, 5.0, Mode.AUDIO_AND_VIDEO, checked)
        if checked.strict and (said := notes.not_done(plan)):
            raise BadRequest("not_understood", " ".join(said), param="prompt")
        return notes.not_done(plan)

    def estimate(self, shot: Shot) -> Estimate:
        """Return roughly what `make` will cost on one slow core."""
        plan = _plan(shot)
        megapixels = shot.frames.width * shot.frames.height / 1e6 * len(shot.section)
        seconds = 1.0
        if shot.mode.replaces_video:
            seconds += megapixels * _GATHER_SECONDS_PER_MEGAPIXEL
            seconds += len(shot.section) * _GATHER_SECONDS_PER_FRAME
            for cue in plan.visuals:
                seconds += megapixels * _SECONDS_PER_MEGAPIXEL.get(cue.effect, _CHEAPEST)
                seconds += _SIMULATION_S if cue.effect in _SIMULATED else 0.5
        if shot.mode.replaces_audio:
            seconds += float(shot.duration) * _SOUND_S_PER_S
        frame_bytes = shot.frames.width * shot.frames.height * 3 * 2
        previews_bytes = len(shot.section) * 160 * 90 * 12
        sound_bytes = shot.sound_samples * shot.channels * 4 * 8
        return Estimate(seconds, 300_000_000 + 8 * frame_bytes + previews_bytes + sound_bytes)

    def make(self, shot: Shot) -> Take:
        """Return a take of `shot`; its frames are drawn one by one as they are asked for.

        Raises:
            EngineFailed: `strict` was asked for and the prompt holds something that the engine
                cannot do.
            Cancelled: `shot.watch` was cancelled.
        """
        shot.watch.progress(Stage.GENERATE, 0, 0)
        plan = _plan(shot)
        if check_options(shot.options).strict and (said := notes.not_done(plan)):
            raise EngineFailed("not_understood", " ".join(said), param="prompt")
        sound, heard = _sound(shot, plan) if shot.mode.replaces_audio else (None, ())
        frames = None
        if shot.mode.replaces_video:
            from retake.engines.vfx.drawing import draw

            frames = draw(shot, plan)
        return Take(frames, sound, notes.of_take(plan, shot.mode) + heard)


def _plan(shot: Shot) -> PromptPlan:
    options = check_options(shot.options)
    return _understand(shot.prompt, float(shot.duration), shot.mode, options)


def _understand(prompt: str, duration_s: float, mode: Mode, options: Options) -> PromptPlan:
    """Return the plan for a prompt; an explicit wish for the sound outranks the prompt's."""
    from retake.engines.vfx.understand import understand

    plan = understand(prompt, duration_s, mode)
    if options.keep_sound is None:
        return plan
    return replace(plan, keep_sound=options.keep_sound)


def _sound(shot: Shot, plan: PromptPlan) -> tuple[Sound, tuple[str, ...]]:
    from retake.engines.vfx.sound.mix import make_sound

    return make_sound(
        plan,
        shot.sound,
        shot.sound_start,
        shot.sound_samples,
        shot.rate,
        shot.channels,
        shot.mode,
        shot.seed,
        shot.watch,
    )
