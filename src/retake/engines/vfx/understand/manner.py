"""How: strength, colour, place and direction, read from the words around an effect."""

from __future__ import annotations

import re

from retake.engines.vfx.understand import colours

_GRADES: tuple[tuple[float, str], ...] = (
    (1.0, r"apocalyptic|nuclear|colossal|cataclysmic|catastrophic|biblical|gigantic|gargantuan|"
          r"titanic|enormous|monstrous|impenetrable|blinding"),
    (0.9, r"massive|huge|giant|violent\w*|raging|torrential|fierce\w*|ferocious|furious\w*|"
          r"intense\w*|extreme\w*|devastating|powerful|spectacular\w*|epic|relentless|blazing|heaviest"),
    (0.8, r"big|large|heavy|heavily|hard|strong\w*|thick|dense|dramatic\w*|cinematic|great|"
          r"roaring|billowing|wild\w*|loud|deep|severe|harsh|hot|vivid|lots|everywhere"),
    (0.5, r"moderate|medium|normal|ordinary"),
    (0.3, r"small|gentle|gently|soft|softly|slight|slightly|subtle|subtly|tiny|faint|faintly|mild|"
          r"little|thin|sparse|delicate|lightly|weak|minor|distant|fine|few|hint|touch"),
)  # fmt: skip
_GRADE = tuple((value, re.compile(rf"\b(?:{words})\b")) for value, words in _GRADES)
_LIGHT = re.compile(
    r"\blight (?=rain|snow|fog|mist|smoke|breeze|wind|drizzle|dusting|shower|haze|\w+fall)"
)

_ADJECTIVES = (
    r"(?:bright\w*|dark|deep|hot|vivid|neon|glowing|burning|pale|intense|brilliant|blood|electric|"
    r"light|toxic|thick|dense|heavy|big|huge|massive|coloured|colored|tinted|tinged|strange|eerie|"
    r"swirling|roaring|rolling|billowing|ball of|cloud of|clouds of|bursts? of|and|or|with|a|an|"
    r"almost|very|puff of|plumes? of|wall of|shades? of|ish|falling|huge)"
)
_NAME = "|".join(sorted(colours.NAMES, key=len, reverse=True))
_BEFORE = re.compile(rf"\b({_NAME})(?: (?:{_ADJECTIVES}|{_NAME}))*\s*$")
_AFTER = re.compile(
    rf"^ (?:(?:sky|light|glow|tones?|hues?|cloud|ball) )?"
    rf"(?:(?:is|are|was|were|turns?|turning|in|of|glows?|glowing|burns?|burning|"
    rf"coloured|colored|tinted|tinged|that is|that glows|which is|with) )+"
    rf"(?:(?:{_ADJECTIVES}) )*?({_NAME})"
    rf"(?: (?:colou?rs?|tones?|hues?|light|glow|tint|tinge|shades?))?"
    rf"(?= $| (?:{_NAME}|on|at|in|over|across)\b)"
)

_LEFT = re.compile(
    r"\b(?:(?:on|at|in|to|by|near|towards?) (?:the )?"
    r"(?:far |lower |upper |bottom |top |extreme )?left"
    r"|left (?:side|hand|half|edge|corner|of)|(?:lower|upper|bottom|top|screen) left)\b"
)
_RIGHT = re.compile(_LEFT.pattern.replace("left", "right"))
_MOVES_RIGHT = re.compile(
    r"\b(?:from (?:the )?left|left to right|rightwards?|"
    r"(?:blow\w*|drift\w*|mov\w*|sweep\w*|roll\w*|push\w*|driv\w*|fall\w*|slant\w*) (?:\w+ )?"
    r"(?:to |towards? )?(?:the )?right)\b"
)
_MOVES_LEFT = re.compile(
    r"\b(?:from (?:the )?right|right to left|leftwards?|"
    r"(?:blow\w*|drift\w*|mov\w*|sweep\w*|roll\w*|push\w*|driv\w*|fall\w*|slant\w*) (?:\w+ )?"
    r"(?:to |towards? )?(?:the )?left)\b"
)
_HEIGHTS: tuple[tuple[float, str], ...] = (
    (0.2, r"in the sky|in mid ?air|high above|upper|top of the (?:frame|picture|screen|image)|"
          r"top (?:left|right)"),
    (0.48, r"in the (?:far )?(?:distance|background)|on the horizon|far away|behind the "
           r"(?:hills?|mountains?|city|trees|houses?)|distant"),
    (0.85, r"in the foreground|close to the camera|in front of the camera|lower|bottom|nearby"),
)  # fmt: skip
_HEIGHT = tuple((y, re.compile(rf"\b(?:{words})\b")) for y, words in _HEIGHTS)
_MIDDLE = re.compile(
    r"\b(?:in|at) the (?:very )?(?:cent(?:re|er)|middle)\b"
    r"(?! of the (?:night|storm|shot|clip|section|video))"
)


def strength(text: str, hint: float | None) -> float:
    """Return how strong the words make an effect, 0..1; `hint` is what its own name tells."""
    found = [value for value, pattern in _GRADE if pattern.search(text)]
    if _LIGHT.search(text):
        found.append(0.3)
    if hint is not None:
        found.append(hint)
    if not found:
        return 0.6
    # The most telling word counts: the one farthest from ordinary.
    chosen = max(found, key=lambda value: abs(value - 0.6))
    if re.search(r"\b(?:very|extremely|incredibly|super|really|so)\b", text):
        chosen += 0.1 if chosen > 0.6 else -0.1
    return round(min(max(chosen, 0.1), 1.0), 2)


def colour(before: str, after: str) -> tuple[str, tuple[float, float, float]] | None:
    """Return the name and linear RGB of the colour told of the word between `before` and `after`.

    A colour counts when only adjectives stand between it and the effect, so that "a red car
    explodes" paints no red explosion.
    """
    match = _BEFORE.search(before.rstrip()) or _AFTER.search(after)
    return None if match is None else (match[1], colours.linear(match[1]))


def place(text: str) -> tuple[float, float] | None:
    """Return where the words put an effect, x and y in 0..1 of the frame, or None."""
    still = _MOVES_LEFT.sub(" ", _MOVES_RIGHT.sub(" ", text))
    x = 0.22 if _LEFT.search(still) else 0.78 if _RIGHT.search(still) else None
    y = next((y for y, pattern in _HEIGHT if pattern.search(still)), None)
    if x is None and y is None:
        return (0.5, 0.66) if _MIDDLE.search(still) else None
    return (0.5 if x is None else x, 0.7 if y is None else y)


def direction(text: str) -> float:
    """Return where the words make an effect move on screen: -1 left .. 1 right, 0 untold."""
    sense = 1.0 if _MOVES_RIGHT.search(text) else -1.0 if _MOVES_LEFT.search(text) else 0.0
    return (
        sense
        if re.search(r"\b(?:hard|strong\w*|fast|fierce\w*|violent\w*)\b", text)
        else sense * 0.7
    )


def without_manner(text: str) -> str:
    """Return `text` without its words of place, movement and strength."""
    for pattern in (_MOVES_LEFT, _MOVES_RIGHT, _LEFT, _RIGHT, _MIDDLE):
        text = pattern.sub(" ", text)
    for _, pattern in (*_HEIGHT, *_GRADE):
        text = pattern.sub(" ", text)
    return " ".join(text.split())
