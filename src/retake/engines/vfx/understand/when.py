"""When: times told in words, as spans of the section."""

from __future__ import annotations

import re
from dataclasses import dataclass

NUMBERS = {
    "a": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "twelve": 12, "fifteen": 15, "twenty": 20, "half": 0.5,
}  # fmt: skip
_N = r"(\d+:\d+(?:\.\d+)?|\d+(?:\.\d+)?|" + "|".join(NUMBERS) + r")"
_S = r"(?: and a half)? ?(?:s|sec|secs|seconds?|second mark)"
_HALF = re.compile(_N + r" and a half\b")
_AFTER = re.compile(rf"\b(?:after|about|around)(?: about| around)? {_N}{_S}\b(?: in\b)?")
_IN = re.compile(rf"\b{_N}{_S} (?:in|into|later|after)\b")
_AT = re.compile(
    rf"\b(?:(?:at|from|around)(?: about| around)? {_N}{_S}|(?:at|from) second {_N}|"
    rf"(?:at|from) (\d+:\d+(?:\.\d+)?))\b"
)
_RANGE = re.compile(
    rf"\b(?:from|between)(?: second| seconds)? {_N}(?:{_S})? (?:to|and|until|till) {_N}(?:{_S})?\b"
)
_FOR = re.compile(rf"\b(?:for|lasting|lasts)(?: about| around)? {_N}{_S}\b")
_UNTIL = re.compile(rf"\b(?:until|till|before)(?: second)? {_N}(?:{_S})\b")
_FIRST = re.compile(rf"\bfirst {_N}{_S}\b")
_LAST = re.compile(rf"\b(?:last|final) {_N}{_S}\b")
_END = re.compile(
    r"\b(?:(?:at|near|towards?|by) the (?:very )?end(?! of the (?:road|street|room|hall|corridor|"
    r"table|pier|tunnel|path|line|field))|in the end|in the (?:last|final) (?:moment|second)|"
    r"at last|finally)\b"
)
_START = re.compile(
    r"\b(?:(?:at|from|in) the (?:very )?(?:start|beginning|outset)|right away|immediately|at once|"
    r"at first|straight away)\b"
)
_MIDDLE = re.compile(
    r"\b(?:(?:halfway|half way|midway)(?: through| in)?|"
    r"in the middle of the (?:shot|clip|section|scene|video))\b"
)
PHRASES = (_RANGE, _AFTER, _IN, _FOR, _UNTIL, _FIRST, _LAST, _END, _START, _MIDDLE)


@dataclass(frozen=True, slots=True)
class When:
    """A span asked for, seconds from the section's start; None where it was not told."""

    start_s: float | None = None
    end_s: float | None = None

    @property
    def told(self) -> bool:
        """Whether any time was told."""
        return self.start_s is not None or self.end_s is not None


def find_time(text: str, duration_s: float) -> When:
    """Return the span that a clause's words tell, not clamped to the section."""
    text = _HALF.sub(lambda match: str(_number(match[1]) + 0.5), text)
    if match := _RANGE.search(text):
        first, last = _number(match[1]), _number(match[2])
        return When(min(first, last), max(first, last))
    start = _start(text, duration_s)
    end = None
    if match := _FOR.search(text):
        end = (start or 0.0) + _number(match[1])
    elif match := _UNTIL.search(text) or _FIRST.search(text):
        end = _number(match[1])
    return When(start, end)


def without_times(text: str) -> str:
    """Return `text` without its words of time."""
    for phrase in PHRASES:
        text = phrase.sub(" ", text)
    return " ".join(text.split())


def _start(text: str, duration_s: float) -> float | None:
    if match := _AFTER.search(text) or _IN.search(text) or _AT.search(text):
        return _number(next(group for group in match.groups() if group))
    if match := _LAST.search(text):
        return max(duration_s - _number(match[1]), 0.0)
    if _END.search(text):
        return duration_s * 0.6
    if _MIDDLE.search(text):
        return duration_s * 0.5
    return 0.0 if _START.search(text) or _FIRST.search(text) else None


def _number(word: str) -> float:
    if ":" in word:
        minutes, seconds = word.split(":")
        return int(minutes) * 60 + float(seconds)
    return float(NUMBERS[word]) if word in NUMBERS else float(word)
