"""Repairs slips of the pen in words that matter, and in no others."""

from __future__ import annotations

from functools import lru_cache

from retake.engines.vfx.understand.lexicon import lexicon
from retake.engines.vfx.understand.meaning import Meaning


def repair(word: str, meaning: Meaning) -> str:
    """Return the word of the lexicon that `word` is a slip of, or `word` itself.

    One slip (a letter too many, missing, wrong, or two swapped) is forgiven from four letters on,
    two from eight on. A word that exists is never touched.
    """
    if len(word) < 4 or not word.isascii() or _exists(word, meaning):
        return word
    return _nearest(word)


def _exists(word: str, meaning: Meaning) -> bool:
    """Return whether a word, or the word that it is a form of, is one."""
    stems = [word, *(word.removesuffix(end) for end in ("s", "es", "d", "ed", "ing", "er", "ly"))]
    return lexicon().names_something(word) or any(
        meaning.knows(stem) or meaning.knows(stem + "e") for stem in stems if len(stem) > 3
    )


@lru_cache(maxsize=1024)
def _nearest(word: str) -> str:
    allowed = 2 if len(word) >= 8 else 1
    best, least = word, allowed + 1
    for candidate in lexicon().spelt:
        if abs(len(candidate) - len(word)) > allowed or candidate[0] != word[0]:
            continue
        if min(len(word), len(candidate)) == 4 and sorted(candidate) != sorted(word):
            continue
        distance = slips(word, candidate)
        if distance < least:
            best, least = candidate, distance
    return best


def slips(one: str, other: str) -> int:
    """Return the optimal-string-alignment distance (Damerau 1964): edits and adjacent swaps."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, last, row = row, before, [i]
        for j, b in enumerate(other, 1):
            cost = min(before[j] + 1, row[-1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]
