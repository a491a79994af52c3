"""Mentions: where a prompt names an effect, and whether it wants it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from retake.engines.vfx.plan import VISUALS
from retake.engines.vfx.understand.lexicon import Term, lexicon
from retake.engines.vfx.understand.words import Clause

_MOST = 32
"""Mentions looked at in one clause: nobody means more, and each is weighed against the others."""
_NEGATION = re.compile(
    r"\b(?:no(?! (?:one|longer|matter|wonder|body|doubt))|not(?! (?:only|just|far|stop))|without|"
    r"never(?! (?:stops?|ends?|seen|before))|avoid\w*|instead of|rather than|excluding|except|"
    r"free of|neither|nor|minus|lack of|zero)\b(?: \w+){0,4}? ?$"
)
_UNWANTED_AFTER = re.compile(
    r"^ (?:is|are|was|must|should|does|do|will)? ?(?:not|never)\b(?! (?:stop|only|just|far))"
)
_REMOVED_BEFORE = re.compile(
    r"\b(?:stop\w*|remov\w*|get(?:s|ting)? rid of|takes? away|delet\w*|eras\w*|"
    r"clear(?:s|ing)? (?:away )?(?:the|up)|put(?:s|ting)? out|extinguish\w*|douse\w*|less|"
    r"reduc\w*) (?:\w+ ){0,2}$"
)
_REMOVED_AFTER = re.compile(
    r"^ (?:\w+ )?(?:stop(?:s|ped|ping)?|end(?:s|ed)|lift(?:s|ed|ing)?|clear(?:s|ed|ing)?|"
    r"disappears?|vanish\w*|goes out|dies (?:down|out)|is (?:put out|extinguished|over|gone)|"
    r"eases off)\b(?! of)"
)
_GOES_ON = re.compile(r"\b(?:never|not|does not|do not|without) (?:stop|end|clear|lift)\w*")
_HEARD_BEFORE = re.compile(
    r"\b(?:(?:sounds?|noise|hear\w*|audio) (?:of )?|(?:rumble|roar|crackle|patter\w*) of )"
    r"(?:\w+ ){0,3}$"
)
_HEARD_AFTER = re.compile(r"^ (?:sounds?|noises?|audio|ambience|can be heard|is heard|sfx)\b")


@dataclass(frozen=True, slots=True)
class Mention:
    """One place where an effect is named.

    Attributes:
        effect: Its name.
        clause: Number of the clause in the prompt.
        start, end: Characters of the clause's `text`, half-open.
        strength: What the word itself tells of strength, or None.
        wanted: False where the prompt negates it.
        removed: Whether the prompt asks for it to stop or to go away.
        heard_only: Whether only its sound is asked for.
        score: How sure it is, 0..1.
    """

    effect: str
    clause: int
    start: int
    end: int
    strength: float | None
    wanted: bool = True
    removed: bool = False
    heard_only: bool = False
    score: float = 0.95


def find_mentions(clauses: tuple[Clause, ...]) -> list[Mention]:
    """Return the effects that the clauses name outright, in the prompt's order."""
    found: list[Mention] = []
    for number, clause in enumerate(clauses):
        here = [_judged(mention, clause.text) for mention in _named(number, clause.text)]
        found += _listed(_bounded(here, clause.text), found, clause)
    return found


def masked(text: str) -> str:
    """Return a clause's text with its false friends blanked, at unchanged length."""
    return lexicon().false_friends.sub(lambda match: "_" * len(match[0]), text)


def _named(number: int, text: str) -> Iterable[Mention]:
    text = masked(text)
    matches = [
        (match.end() - match.start(), match.start(), term)
        for term in lexicon().terms
        for match in term.pattern.finditer(text)
    ]
    taken: list[tuple[int, int, Term]] = []
    # The longest phrase wins where phrases overlap: "ball of fire" over "fire".
    for length, start, term in sorted(
        matches[: _MOST * 4], key=lambda match: (-match[0], match[1])
    ):
        if all(start >= e or start + length <= s for s, e, _ in taken):
            taken.append((start, start + length, term))
        if len(taken) == 4 * _MOST:
            break
    return [
        Mention(t.effect, number, s, e, t.strength, heard_only=t.effect not in VISUALS)
        for s, e, t in sorted(taken, key=lambda item: item[:2])[:_MOST]
    ]


def _judged(mention: Mention, text: str) -> Mention:
    before, after = text[: mention.start], text[mention.end :]
    heard = bool(_HEARD_BEFORE.search(before) or _HEARD_AFTER.search(after))
    return replace(
        mention,
        wanted=not (_NEGATION.search(before) or _UNWANTED_AFTER.search(after)),
        removed=bool(_REMOVED_BEFORE.search(before) or _REMOVED_AFTER.search(after))
        and not _GOES_ON.search(text),
        heard_only=mention.heard_only or heard,
    )


_OR = re.compile(r"^ ?(?:or|nor|and|any|no|visible|heavy|thick|,| )* ?$")


def _bounded(here: list[Mention], text: str) -> list[Mention]:
    """End a negation at what it negates: "instead of rain it should snow" wants the snow."""
    out: list[Mention] = []
    for mention in here:
        between = text[out[-1].end : mention.start] if out else ""
        goes_on = _OR.match(between) or _NEGATION.search(between)
        ended = out and not out[-1].wanted and not goes_on
        out.append(replace(mention, wanted=True) if ended else mention)
    return out


def _listed(here: list[Mention], before: list[Mention], clause: Clause) -> list[Mention]:
    """Carry a negation on through a list: "without smoke, fog and rain"."""
    if (
        not before
        or len(clause.words) > 1 + ("or" in clause.words)
        or clause.joint not in {"and", ","}
    ):
        return here
    if set(clause.words[:1]) & {"just", "only", "rather", "instead", "but", "with"}:
        return here
    last = before[-1]
    if last.wanted or (here and last.clause != here[0].clause - 1):
        return here
    return [replace(mention, wanted=False) for mention in here]
