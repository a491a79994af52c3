"""When things happen, for eyes and ears alike: pure functions of a cue and the seed."""

from __future__ import annotations

from dataclasses import dataclass

from retake.engines.vfx.chance import generator
from retake.engines.vfx.plan import Cue

_FADE_S = 0.8
_FUSE_S = 0.4
_CALM_S = 1.0
_BETWEEN_S = (1.1, 2.0)


@dataclass(frozen=True, slots=True)
class Strike:
    """One stroke of lightning.

    Attributes:
        time_s: When the flash begins, seconds from the section's start.
        strength: How bright the flash is and how loud the thunder, 0..1.
        distance_m: How far away; thunder needs `distance_m` / 343 m/s longer than the light.
        x: Where it stands in the picture, 0 (left) .. 1 (right).
    """

    time_s: float
    strength: float
    distance_m: float
    x: float


def presence(cue: Cue, time_s: float) -> float:
    """Return how far a lasting effect (rain, fog, night, ...) is there at `time_s`, 0..1.

    It eases in over 0.8 s (a third of a short cue) and out likewise; 0 at both ends and outside.
    """
    fade_s = min(_FADE_S, (cue.end_s - cue.start_s) / 3)
    if fade_s <= 0:
        return 0.0
    x = min((time_s - cue.start_s) / fade_s, (cue.end_s - time_s) / fade_s, 1.0)
    # Perlin's quintic: value, slope and curvature are 0 at the ends, so the seams stay unseen.
    return x * x * x * (x * (6 * x - 15) + 10) if x > 0 else 0.0


def ignition(cue: Cue) -> float:
    """Return when an explosion goes off, seconds from the section's start.

    At the cue's start, but not in the section's first 0.4 s (8 % of a short cue): the first frames
    belong to the source.
    """
    return max(cue.start_s, min(_FUSE_S, 0.08 * (cue.end_s - cue.start_s)))


def strikes(cue: Cue, seed: int) -> tuple[Strike, ...]:
    """Return the lightning of a storm in order of time; at least one unless the cue is empty.

    None falls in the cue's first and last second (a quarter of a short cue), where the storm comes
    and goes. The nearest comes first, so that its thunder has time to roll inside the section.
    """
    length_s = cue.end_s - cue.start_s
    if length_s <= 0:
        return ()
    calm_s = min(_CALM_S, length_s / 4)
    draw = generator(seed, "strikes")
    found: list[Strike] = []
    time_s = cue.start_s + calm_s + 0.1 * min(1.0, length_s / 5)
    while time_s <= cue.end_s - calm_s:
        nearness = 1.0 if not found else float(draw.uniform(0.35, 0.95))
        found.append(
            Strike(
                time_s=time_s,
                strength=min(1.0, (0.45 + 0.55 * nearness) * (0.6 + 0.65 * cue.strength)),
                distance_m=float(150 + 1100 * (1 - nearness) + draw.uniform(0, 60)),
                x=_place(cue, len(found), float(draw.uniform(0, 1))),
            )
        )
        time_s += float(draw.uniform(*_BETWEEN_S)) * (1.35 - 0.5 * cue.strength)
    return tuple(found)


def _place(cue: Cue, number: int, chance: float) -> float:
    """Return where strike `number` stands: the first where it was asked for, others in turn."""
    if cue.place is not None and number == 0:
        return cue.place[0]
    # Sides take turns: two strikes in one place look like a loop.
    return (0.14 + 0.3 * chance) + (0.42 if number % 2 == 0 else 0.0)
