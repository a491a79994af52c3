"""From a plan to frames: looks at the section, prepares the layers, draws frame after frame."""

from __future__ import annotations

from collections.abc import Iterator

from retake.core.errors import EngineFailed
from retake.core.watch import Stage
from retake.engines.engine import Frame, Shot
from retake.engines.vfx.depths import Rounding, to_picture
from retake.engines.vfx.effects import effect
from retake.engines.vfx.effects.effect import Layer
from retake.engines.vfx.effects.mood import EFFECT as MOOD
from retake.engines.vfx.effects.mood import mood_cue
from retake.engines.vfx.plan import PromptPlan
from retake.engines.vfx.scene.gather import gather
from retake.engines.vfx.scene.scene import Scene


def draw(shot: Shot, plan: PromptPlan) -> Iterator[Frame]:
    """Yield the section's frames with everything of `plan` drawn in; work begins on first demand.

    Raises:
        EngineFailed: The section's frames could not all be read.
        Cancelled: The shot's watch was cancelled.
    """
    scene = gather(shot)
    layers = list(_layers(shot, plan, scene))
    rounding = Rounding(shot.seed)
    total = len(scene)
    drawn = 0
    for frame in shot.frames.read(shot.section):
        picture = to_picture(frame)
        for layer in layers:
            shot.watch.check()
            picture = layer.draw(picture, drawn)
        yield rounding(picture, frame, drawn)
        drawn += 1
        shot.watch.progress(Stage.GENERATE, total + drawn, 2 * total)
    if drawn != total:
        raise EngineFailed("frames_missing", f"{drawn} of the section's {total} frames came back")


def _layers(shot: Shot, plan: PromptPlan, scene: Scene) -> Iterator[Layer]:
    if not plan.visuals:
        yield MOOD.prepare(mood_cue(plan.prompt, scene.duration_s), scene, shot.seed, shot.watch)
    seen: list[str] = []
    for cue in plan.visuals:
        shot.watch.check()
        # A second explosion must not be the first one's twin; the first of a kind has the shot's
        # own seed, since its sound is made from that.
        seed = shot.seed + 7919 * seen.count(cue.effect)
        seen.append(cue.effect)
        yield effect(cue.effect).prepare(cue, scene, seed, shot.watch)
