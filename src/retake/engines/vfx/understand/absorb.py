"""What belongs together: the flames and the smoke of an explosion are part of it."""

from __future__ import annotations

import re

from retake.engines.vfx.understand.colours import NAMES
from retake.engines.vfx.understand.manner import without_manner
from retake.engines.vfx.understand.mentions import Mention
from retake.engines.vfx.understand.words import Clause

_OWN_FIRE = re.compile(
    r"on fire|ablaze|alight|burn|catch|caught|ignit|incinerat|fires?\b|inferno|wild"
)
_LINKS = frozenset({"of", "and", "with", "the", "a", "bright", "glowing", "hot", "very"})
_PART_OF = re.compile(r"\b(?:with|of|in|into|from|and|that|leaving|throwing|sending|spewing)\b")


def belongs_to_explosion(
    mention: Mention, mentions: list[Mention], clauses: tuple[Clause, ...]
) -> Mention | None:
    """Return the explosion that a mention of fire or smoke is a part of, or None.

    In the explosion's own clause everything burning belongs to it. In the next clause only bare
    flames and lists do ("an explosion with smoke and flames"); a fire with a verb of its own
    ("... and the house burns") was asked for by itself.
    """
    if mention.effect not in {"fire", "smoke"}:
        return None
    for other in mentions:
        if other.effect != "explosion" or not other.wanted or other.heard_only:
            continue
        if other.clause == mention.clause:
            return other
        if other.clause < mention.clause and _listed(mention, other, mentions, clauses):
            return other
    return None


def _listed(
    mention: Mention, explosion: Mention, mentions: list[Mention], clauses: tuple[Clause, ...]
) -> bool:
    clause = clauses[mention.clause]
    if clause.follows:
        return False
    if clause.sentence != clauses[explosion.clause].sentence:
        return mention.effect == "fire" and _only_describes(mention, clause)
    if clause.joint not in {"and", ","}:
        return False
    words = clause.text[mention.start : mention.end]
    if mention.effect == "fire" and not _OWN_FIRE.search(words):
        return True
    first = clauses[explosion.clause].text[explosion.end :]
    with_list = bool(_PART_OF.search(first)) and any(
        other.clause == explosion.clause and other.effect in {"fire", "smoke"} for other in mentions
    )
    return with_list and len(clause.words) <= 3


def _only_describes(mention: Mention, clause: Clause) -> bool:
    """Return whether a clause is nothing but a described flame: "lots of orange fire"."""
    rest = clause.text[: mention.start] + clause.text[mention.end :]
    words = set(rest.split()) - NAMES
    return bool(rest.strip()) and not without_manner(" ".join(words - _LINKS))
