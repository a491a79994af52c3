"""The prompt plan: what was understood of a prompt, before anything is drawn or heard."""

from __future__ import annotations

from dataclasses import dataclass

VISUALS = ("explosion", "fire", "smoke", "rain", "storm", "snow", "fog", "night", "sunset")
"""Effects that can be seen. One name, one file in effects/."""

SOUNDS = ("explosion", "fire", "smoke", "rain", "storm", "snow", "fog", "night", "sunset", "wind")
"""Effects that can be heard. One name, one file in sound/; quiet ones colour the ambience."""


@dataclass(frozen=True, slots=True)
class Cue:
    """One effect in the plan.

    Attributes:
        effect: One of `VISUALS` or `SOUNDS`.
        score: How sure the understanding is, 0..1.
        start_s: When it begins, seconds from the section's start.
        end_s: When it has faded away, seconds from the section's start.
        strength: 0 (barely there) .. 1 (ordinary is 0.6) how violent or dense it is.
        colour: Linear RGB the prompt asks for, each 0..1; None for the natural colour.
        place: Where the prompt puts it, x and y in 0..1 of the upright frame, x to the right,
            y downwards; None where the effect may choose.
        direction: Wind or movement on screen, -1 (left) .. 1 (right); 0 where not told.
    """

    effect: str
    score: float
    start_s: float
    end_s: float
    strength: float = 0.6
    colour: tuple[float, float, float] | None = None
    place: tuple[float, float] | None = None
    direction: float = 0.0


@dataclass(frozen=True, slots=True)
class Line:
    """One quoted sentence to be spoken; `start_s` in seconds from the section's start."""

    text: str
    start_s: float


@dataclass(frozen=True, slots=True)
class PromptPlan:
    """Everything that `vfx` will do, and what it will not.

    Attributes:
        prompt: The text as given.
        visuals: What will be drawn, in drawing order (farthest first).
        sounds: What will be heard.
        lines: What will be spoken.
        keep_sound: Whether the source's own sound stays audible beneath; None when the prompt
            does not tell.
        understood: Words of the prompt that led to something, for the notes.
        ignored: Parts of the prompt that the engine cannot do, for the notes.
    """

    prompt: str
    visuals: tuple[Cue, ...]
    sounds: tuple[Cue, ...]
    lines: tuple[Line, ...] = ()
    keep_sound: bool | None = None
    understood: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
