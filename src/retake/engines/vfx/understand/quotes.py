"""Quoted speech: what somebody in the prompt says aloud."""

from __future__ import annotations

import re
from dataclasses import dataclass

_VERB = (
    r"(?:says?|said|saying|shouts?|shouting|whispers?|whispering|yells?|yelling|asks?|asking|"
    r"screams?|screaming|cries|calls?|announces?|announcing|speaks?|speaking|replies|answers?|"
    r"tells?|mutters?|narrates?|narrator|voice|voiceover|hears?|line)"
)
_DOUBLE = re.compile(r"[\"“”„«»](?P<text>[^\"“”„«»]{1,600})[\"“”„«»]")
_SINGLE = re.compile(
    _VERB + r"\b[^'‘’\n.]{0,30}?[:,]?\s['‘](?P<text>.{1,600}?)['’](?=[\s.,;!?]|$)", re.IGNORECASE
)
_COLON = re.compile(_VERB + r"\b[^:\"'.\n]{0,25}:\s*(?P<text>[^\n\"“”]{2,600})", re.IGNORECASE)
_WRITTEN = re.compile(
    r"\b(?:sign|text|title|titled|caption|subtitle|label|logo|words?|letters|banner|poster|"
    r"reads|reading|written|writes|named|called|song)\b[^.\"“”„«»]{0,25}$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Quote:
    """One quotation: `text` as written, and where it stands in the prompt (half-open)."""

    text: str
    start: int
    end: int
    spoken: bool


def find_quotes(prompt: str) -> tuple[Quote, ...]:
    """Return the prompt's quotations in order.

    Anything in double quotes counts; single quotes and unquoted text after a colon count only
    after a verb of speaking. A quotation that is to be read rather than heard ("a sign that
    reads …") has `spoken` False.
    """
    found: list[Quote] = []
    for pattern in (_DOUBLE, _SINGLE, _COLON):
        for match in pattern.finditer(prompt):
            start, end = match.span("text")
            if any(start < quote.end and quote.start < end for quote in found):
                continue
            text = " ".join(match["text"].split())
            if not any(character.isalnum() for character in text):
                continue
            spoken = not _WRITTEN.search(prompt[: max(start - 1, 0)])
            found.append(Quote(text, start, end, spoken))
    return tuple(sorted(found, key=lambda quote: quote.start))


def blank_quotes(prompt: str, quotes: tuple[Quote, ...]) -> str:
    """Return the prompt with every quotation's letters blanked, at unchanged length."""
    characters = list(prompt)
    for quote in quotes:
        # A stop keeps the words before the quotation apart from those after it.
        filling = "." + " " * (quote.end - quote.start - 1)
        characters[quote.start : quote.end] = filling
        for at in (quote.start - 1, quote.end):
            if 0 <= at < len(characters) and not characters[at].isalnum():
                characters[at] = " "
    return "".join(characters)
