"""Guesses: what a clause means when it names no effect outright."""

from __future__ import annotations

from retake.engines.vfx.understand.leftovers import acts, tells_more
from retake.engines.vfx.understand.lexicon import lexicon
from retake.engines.vfx.understand.meaning import NONE, Meaning
from retake.engines.vfx.understand.mentions import Mention, masked
from retake.engines.vfx.understand.words import Clause

_SURE = 0.5
_SURE_BESIDE = 0.7
"""Beside a clause that names its effect, another one is more likely decoration."""
_DETAIL = 0.2
_LONGEST = 40


def guess_mentions(
    clauses: tuple[Clause, ...], named: list[Mention], meaning: Meaning
) -> list[Mention]:
    """Return a mention for each clause that speaks of an effect in other words.

    Clauses that name something, or in which somebody does something, are left alone: a guess must
    not turn "a man walks in" into weather.
    """
    spoken_for = {mention.clause for mention in named}
    sure = _SURE_BESIDE if any(mention.wanted for mention in named) else _SURE
    found: list[Mention] = []
    for number, clause in enumerate(clauses):
        text = masked(clause.text)
        if number in spoken_for or acts(clause.text) or "_" in text:
            continue
        if lexicon().not_drawn(text) or len(clause.words) > _LONGEST:
            continue
        if not tells_more(clause):
            continue
        likely = meaning.classify(clause.text)
        effect = max(likely, key=likely.__getitem__)
        if effect != NONE and likely[effect] >= sure:
            end = len(clause.text) - 1
            score = round(min(likely[effect], 0.9), 2)
            found.append(Mention(effect, number, 1, end, None, score=score))
    return found


def detail_clauses(
    clauses: tuple[Clause, ...], mentions: list[Mention], meaning: Meaning
) -> frozenset[int]:
    """Return the clauses that paint out an effect the prompt has already named.

    "puddles on the ground" beside rain, "sending debris flying" beside an explosion: they ask for
    nothing of their own.
    """
    wanted = {mention.effect for mention in mentions if mention.wanted and not mention.removed}
    found: set[int] = set()
    for number, clause in enumerate(clauses):
        if wanted and not acts(clause.text):
            likely = meaning.classify(clause.text)
            if max(likely.get(effect, 0.0) for effect in wanted) >= _DETAIL:
                found.add(number)
    return frozenset(found)
