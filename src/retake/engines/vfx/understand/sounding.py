"""What is heard: the sounds that go with the picture, and the wish about the source's own sound."""

from __future__ import annotations

import re
from dataclasses import replace

from retake.engines.vfx.plan import Cue

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


def sounds_for(cues: list[Cue]) -> list[Cue]:
    """Return the cues that are heard: every effect's own sound, and the wind that a storm brings.

    A sound's cue equals its picture's, so that both draw the same lightning from one seed.
    """
    heard = list(cues)
    if any(cue.effect == "wind" for cue in cues):
        return heard
    for cue in cues:
        if cue.effect == "storm" or (cue.effect == "snow" and cue.strength >= 0.75):
            strength = round(cue.strength * 0.8, 2)
            heard.append(replace(cue, effect="wind", strength=strength, colour=None, place=None))
            break
    return heard
