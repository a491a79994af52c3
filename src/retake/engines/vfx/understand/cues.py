"""From mentions to cues: one for each effect, with everything that was told of it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from retake.engines.vfx.plan import Cue
from retake.engines.vfx.understand import manner
from retake.engines.vfx.understand.absorb import belongs_to_explosion
from retake.engines.vfx.understand.leftovers import tells_more
from retake.engines.vfx.understand.mentions import Mention
from retake.engines.vfx.understand.schedule import WEATHER, Span, change_over, fit
from retake.engines.vfx.understand.when import When
from retake.engines.vfx.understand.words import Clause

_SEVERAL = re.compile(
    r"\b(?:second|another|two|three|four|five|several|multiple|many|series of) (?:\w+ )?$"
)
_TURN = re.compile(r" (?:with|and|in|of|over|under|at|during|through|behind) ")


@dataclass
class _Draft:
    cues: dict[str, Cue] = field(default_factory=dict[str, Cue])
    clause: dict[str, int] = field(default_factory=dict[str, int])
    understood: list[str] = field(default_factory=list[str])
    ignored: list[str] = field(default_factory=list[str])


def make_cues(
    parts: tuple[Clause, ...], mentions: list[Mention], times: list[When], duration_s: float
) -> tuple[list[Cue], list[str], list[str]]:
    """Return the cues in the order of telling, the words that led to them, and wishes not met.

    Args:
        parts: The prompt's clauses.
        mentions: What was found in them.
        times: The time of each clause.
        duration_s: Length of the section in seconds.
    """
    draft = _Draft()
    for mention in mentions:
        if not mention.wanted:
            draft.understood.append(f"no {mention.effect}")
        elif not mention.removed:
            _add(draft, mention, mentions, parts, times, duration_s)
    cues = _blown(_give_way(draft, parts))
    return cues, list(dict.fromkeys(draft.understood)), draft.ignored


def _add(
    draft: _Draft,
    mention: Mention,
    mentions: list[Mention],
    parts: tuple[Clause, ...],
    times: list[When],
    duration_s: float,
) -> None:
    text = parts[mention.clause].text
    owner = belongs_to_explosion(mention, mentions, parts)
    effect = mention.effect if owner is None else "explosion"
    told = manner.colour(text[: mention.start], text[mention.end :])
    if told is None and mention.effect == "sunset":
        told = manner.colour(text[: mention.end].rpartition(" sky")[0], "")
    # Black smoke does not make a black explosion.
    colour = None if told is None or (owner and mention.effect == "smoke") else told[1]
    word = text[mention.start : mention.end].strip()
    draft.understood.append(word if told is None or told[0] in word else f"{told[0]} {word}")
    if effect == "explosion" and _SEVERAL.search(text[: mention.start]):
        draft.ignored.append("more than one explosion: each effect comes once in a section")
    aside = _asides(mention, mentions, parts)
    around = _around(mention, mentions, text) + aside
    cue = Cue(
        effect=effect,
        score=mention.score,
        start_s=0.0,
        end_s=duration_s,
        strength=manner.strength(around, mention.strength),
        colour=colour,
        place=manner.place(around) or manner.place(text),
        direction=manner.direction(around) or manner.direction(text),
    )
    if effect in draft.cues:
        draft.cues[effect] = _joined(draft.cues[effect], cue)
        return
    span = fit(effect, times[mention.clause], duration_s)
    if span.note:
        draft.ignored.append(span.note)
    draft.clause[effect] = mention.clause
    draft.cues[effect] = replace(cue, start_s=span.start_s, end_s=span.end_s)


def _asides(mention: Mention, mentions: list[Mention], parts: tuple[Clause, ...]) -> str:
    """Return the clauses beside a mention's that tell nothing but its manner: "…, very gently"."""
    named = {other.clause for other in mentions}
    sentence = parts[mention.clause].sentence
    beside: list[str] = []
    for step in (1, -1):
        at = mention.clause + step
        while 0 <= at < len(parts) and at not in named and parts[at].sentence == sentence:
            if not tells_more(parts[at]):
                beside.append(parts[at].text)
            at += step
        # A clause before the first mention is that mention's; any other one is its forerunner's.
        if step == 1 and any(other < mention.clause for other in named):
            break
    return "".join(beside)


def _around(mention: Mention, mentions: list[Mention], text: str) -> str:
    """Return the words that tell of this mention and of no other one in its clause."""
    start, end = 0, len(text)
    for other in mentions:
        if other.clause == mention.clause and other.end <= mention.start:
            start = max(start, other.end)
        if other.clause == mention.clause and other.start >= mention.end:
            end = min(end, other.start)
    after = text[mention.end : end]
    if end < len(text) and (turn := _TURN.search(after)):
        after = after[: turn.start()]
    words = f"{text[start : mention.start]} {text[mention.start : mention.end]} {after}"
    return f" {' '.join(words.split())} "


def _joined(one: Cue, other: Cue) -> Cue:
    """Return one cue that holds what both tell; the more telling strength counts."""
    return replace(
        one,
        score=max(one.score, other.score),
        strength=max(one.strength, other.strength, key=lambda value: abs(value - 0.6)),
        colour=one.colour or other.colour,
        place=one.place or other.place,
        direction=one.direction or other.direction,
    )


def _give_way(draft: _Draft, parts: tuple[Clause, ...]) -> list[Cue]:
    """End a weather where "then" brings another one."""
    cues = list(draft.cues.values())
    for at, cue in enumerate(cues[:-1]):
        following = cues[at + 1]
        then = parts[draft.clause[following.effect]].follows
        if cue.effect in WEATHER and following.effect in WEATHER and then:
            span = change_over(
                Span(cue.start_s, cue.end_s), Span(following.start_s, following.end_s)
            )
            cues[at] = replace(cue, end_s=span.end_s)
    return cues


def _blown(cues: list[Cue]) -> list[Cue]:
    """Let a wind whose direction was told carry whatever has none of its own."""
    wind = next((cue.direction for cue in cues if cue.effect == "wind"), 0.0)
    return [replace(cue, direction=cue.direction or wind) for cue in cues]
