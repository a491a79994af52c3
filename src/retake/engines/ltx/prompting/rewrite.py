"""The rewriter: a command to an editor, said again as a description of the scene.

Rules, no model: the same prompt gives the same suggestion. What no rule fits gives none rather
than a bad one, and taking something away has none by its nature: a model draws what it reads.
"""

from __future__ import annotations

import re

from retake.engines.ltx.prompting.words import (
    ADJECTIVES_OF_LIGHT,
    FILLERS,
    SPEAKING,
    WEATHER_VERBS,
)

_QUOTED = re.compile(r'("[^"]*"|“[^”]*”|«[^»]*»)')
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")
_TAIL = re.compile(
    r"\s*(?:,?\s*(?:instead(?: of [^,.;]+)?|please|and keep (?:everything|the rest)[^,.;]*"
    r"|(?:in|to|of) (?:the|this) (?:video|clip|footage|scene|shot|section|original)))\s*$",
    re.IGNORECASE,
)
_FILLER = re.compile(
    r"^\s*(?:" + "|".join(sorted(map(re.escape, FILLERS), key=len, reverse=True)) + r")\b[\s,:]*",
    re.IGNORECASE,
)
_NOUN = r"(?P<what>[\w' -]+?)"
_WHERE = "in|on|at|behind|beside|over|under|above|near|next to|in front of"
_PLACE = rf"(?P<place>\s+(?:{_WHERE})\s+.+)?"
_VERB = (
    "is|are|walk|run|jump|smile|laugh|cry|wave|dance|sing|turn|look|sit|stand|fall|fly|drive|stop|"
    "speak|talk|explode|burn|melt|shine|glow|nod|blink|sleep|swim|play|throw|catch|hold|open|close"
)


def suggest(prompt: str) -> str | None:
    """Return the prompt as a description of the scene; None where it is one, or no rule fits."""
    said = prompt.strip()
    if not said:
        return None
    made: list[str] = []
    changed = False
    for sentence in _sentences(said):
        told = _told(sentence)
        if told is None:
            return None
        changed |= _plain(told) != _plain(sentence)
        made.append(told)
    return " ".join(made) if changed else None


def _told(sentence: str) -> str | None:
    """Return one sentence as a description; None where it asks for what cannot be described."""
    bare = _bare(sentence)
    if re.match(
        r"(?:remove|delete|erase|get rid of|take out|take away|cut out|hide)\b", bare, re.I
    ):
        return None
    for pattern, template in _RULES:
        found = pattern.fullmatch(bare)
        if found:
            return _sentence(template(found))
    return _sentence(_spoken(bare))


def _bare(sentence: str) -> str:
    """Return a sentence without what is addressed to an editor around it."""
    bare = sentence.strip().rstrip(".!? ")
    while True:
        shorter = _TAIL.sub("", _FILLER.sub("", bare, count=1))
        if shorter == bare or not shorter:
            return bare
        bare = shorter


def _made_it(found: re.Match[str]) -> str:
    first, *more = found["how"].split()
    if first.lower() in WEATHER_VERBS:
        return " ".join(["it is", WEATHER_VERBS[first.lower()], *more])
    if first.lower() in ("look", "feel", "seem"):
        return " ".join([f"it {first.lower()}s", *more])
    return f"it is {found['how']}"


def _added(found: re.Match[str]) -> str:
    what, place = found["what"].strip(), found["place"] or ""
    if what.lower() in WEATHER_VERBS:
        return f"it is {WEATHER_VERBS[what.lower()]}{place}"
    return f"there {'are' if _several(what) else 'is'} {what}{place}"


def _let(found: re.Match[str]) -> str:
    what, verb, more = found["what"].strip(), found["verb"].lower(), found["more"] or ""
    plain = what.lower().startswith("them") or _several(what)
    subject = {"him": "he", "her": "she", "them": "they", "it": "it"}.get(what.lower(), what)
    return f"{subject} {verb if plain or verb in ('is', 'are') else _third(verb)}{more}"


def _became(found: re.Match[str]) -> str:
    what, how = found["what"].strip(), found["how"].strip()
    if re.match(r"(?:a|an|some|two|three|several|many)\b", how, re.I):
        return f"there {'are' if _several(how) else 'is'} {how}"
    if what.lower() in ("it", "day", "the day") and how.lower() in ADJECTIVES_OF_LIGHT:
        return f"it is {how}"
    return f"{what} {'are' if _several(what) else 'is'} {how}"


def _replaced(found: re.Match[str]) -> str:
    return f"there {'are' if _several(found['new']) else 'is'} {found['new']}"


def _put_into(found: re.Match[str]) -> str:
    return f"there {'are' if _several(found['what']) else 'is'} {found['what']} at {found['in']}"


def _given(found: re.Match[str]) -> str:
    return f"{found['what']} {'have' if _several(found['what']) else 'has'} {found['new']}"


def _rule(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_RULES = (
    (_rule(r"(?:make|let) it (?P<how>.+)"), _made_it),
    (_rule(rf"(?:make|have|let) {_NOUN} (?P<verb>{_VERB})\b(?P<more>.*)"), _let),
    (_rule(rf"(?:replace|swap) {_NOUN} (?:with|for|by) (?P<new>.+)"), _replaced),
    (_rule(rf"(?:turn|change|transform|convert|set) {_NOUN} (?:in)?to (?P<how>.+)"), _became),
    (_rule(rf"(?:turn|paint|colou?r|make) {_NOUN} (?P<how>[\w-]+)"), _became),
    (_rule(rf"(?:add|insert|put) {_NOUN} (?:in)?to (?P<in>.+)"), _put_into),
    (_rule(rf"(?:add|insert|include|put|place|bring) {_NOUN}{_PLACE}"), _added),
    (_rule(rf"give {_NOUN} (?P<new>(?:a|an|some) .+)"), _given),
)


def _spoken(sentence: str) -> str:
    """Return a sentence whose spoken words stand in quotation marks."""
    if _QUOTED.search(sentence):
        return sentence
    verbs = "|".join(sorted(map(re.escape, SPEAKING), key=len, reverse=True))
    found = re.fullmatch(rf"(?P<who>.+? (?:{verbs}))\b[,:]?\s+(?P<words>.+)", sentence, re.I)
    if found is None or re.match(r"(?:that|to|if|something|nothing|it)\b", found["words"], re.I):
        return sentence
    words = found["words"].strip()
    return f'{found["who"]}, "{words[0].upper()}{words[1:]}."'


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    ended = text if text.endswith((".", "!", "?", '"', "”", "»")) else f"{text}."
    return ended[:1].upper() + ended[1:]


def _sentences(text: str) -> list[str]:
    """Return the sentences of a text; a full stop within quotation marks ends none."""
    text = text.replace("\x00", " ")
    kept = _QUOTED.findall(text)
    marked = _QUOTED.sub("\x00", text)
    found = [one.strip() for one in _SENTENCE.findall(marked) if one.strip()]
    words = iter(kept)
    return [re.sub("\x00", lambda _: next(words), one) for one in found]


def _third(verb: str) -> str:
    if verb.endswith(("s", "sh", "ch", "x", "o")):
        return f"{verb}es"
    if verb.endswith("y") and verb[-2:-1] not in "aeiou":
        return f"{verb[:-1]}ies"
    return f"{verb}s"


def _several(what: str) -> bool:
    words = what.lower().split()
    if words[-1] in ("people", "children", "men", "women"):
        return True
    if words[0] in ("two", "three", "several", "many", "some", "these", "those", "all", "more"):
        return words[-1].endswith("s")
    return (
        words[0] not in ("a", "an", "it")
        and words[-1].endswith("s")
        and not words[-1].endswith("ss")
    )


def _plain(text: str) -> str:
    return " ".join(text.lower().split()).rstrip(".!? ")
