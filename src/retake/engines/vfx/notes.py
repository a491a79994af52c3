"""What the user is told: what was understood, what was not, in plain words."""

from __future__ import annotations

from retake.core.request import Mode
from retake.engines.vfx.info import PAINTER
from retake.engines.vfx.plan import Cue, PromptPlan


def not_done(plan: PromptPlan) -> tuple[str, ...]:
    """Return what of the prompt will not happen, one sentence each; empty when all of it will."""
    said = [f"vfx cannot do this part of the prompt: {part}." for part in plan.ignored]
    if not (plan.visuals or plan.sounds or plan.lines):
        said.append("vfx found no effect, sound or speech in the prompt that it can make.")
    return tuple(said)


def of_take(plan: PromptPlan, mode: Mode) -> tuple[str, ...]:
    """Return the notes of a take made from `plan`."""
    said: list[str] = []
    if mode.replaces_video and plan.visuals:
        said.append("Drawn: " + ", ".join(map(_cue, plan.visuals)) + ".")
    if mode.replaces_audio and plan.sounds:
        said.append("Heard: " + ", ".join(map(_cue, plan.sounds)) + ".")
    if mode.replaces_audio and plan.lines:
        said.append("Spoken: " + ", ".join(f"“{line.text}”" for line in plan.lines) + ".")
    if mode.replaces_video and not plan.visuals:
        said.append("No effect to draw was understood: the picture got a gentle mood grade only.")
    said.extend(not_done(plan))
    if plan.ignored or (mode.replaces_video and not plan.visuals):
        said.append(PAINTER)
    return tuple(said)


def _cue(cue: Cue) -> str:
    return f"{cue.effect} from {cue.start_s:.1f} s to {cue.end_s:.1f} s (sure to {cue.score:.0%})"
