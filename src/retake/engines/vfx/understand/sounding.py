"""What is heard: the sounds that go with the picture, and the wish about the source's own sound."""

from __future__ import annotations

import re
from dataclasses import replace

from retake.engines.vfx.plan import Cue

_COMPANY: dict[str, tuple[tuple[str, float], ...]] = {
    "storm": (("rain", 0.9), ("wind", 0.8)),
    "snow": (("wind", 0.8),),
}
_BLIZZARD = 0.75
_KEEP = re.compile(
    r"\b(?:keep\w*|preserv\w*|retain\w*|leave|with) (?:\w+ ){0,3}?"
    r"(?:original|source|existing|own|its|the) ?(?:\w+ ){0,2}?"
    r"(?:sound|audio|music|voices?|dialogue|soundtrack)\b"
)
_DROP = re.compile(
    r"\b(?:(?:remov\w*|mut\w+|delet\w*|replac\w*|drop|no|without|instead of|cut|kill|silenc\w*) "
    r"(?:\w+ ){0,3}?(?:sound|audio|music|voices?|dialogue|soundtrack|noise)|muted|"
    r"(?:complete|total|dead) silence)\b"
)


def wish_for_source(text: str) -> bool | None:
    """Return whether the prompt wants the source's own sound kept; None where it does not tell."""
    if _DROP.search(text):
        return False
    return True if _KEEP.search(text) else None


def sounds_for(cues: list[Cue], unwanted: frozenset[str]) -> list[Cue]:
    """Return the cues that are heard: every effect's own sound, and what comes with it.

    A storm is drawn with rain and wind, a blizzard with wind; they are heard unless the prompt
    names them itself or does not want them. A sound's cue equals its picture's, so that both draw
    the same lightning from one seed.
    """
    heard = list(cues)
    for cue in cues:
        for effect, share in _COMPANY.get(cue.effect, ()):
            if effect in unwanted or any(other.effect == effect for other in heard):
                continue
            if cue.effect == "storm" or cue.strength >= _BLIZZARD:
                strength = round(cue.strength * share, 2)
                heard.append(
                    replace(cue, effect=effect, strength=strength, colour=None, place=None)
                )
    return heard
