"""Literal words and phrases for each effect, and the phrases that only look like one.

The words themselves stand in lexicon.toml. They are matched on folded words with single spaces
(`words.Clause.text`). What is listed there counts as certain; what is not is left to `meaning`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class Term:
    """Words that name an effect; `strength` where they tell it too."""

    effect: str
    pattern: re.Pattern[str]
    strength: float | None = None


@dataclass(frozen=True)
class Lexicon:
    """The words that are known outright.

    Attributes:
        false_friends: What only looks like an effect.
        terms: What can be drawn or heard, in words.
        undrawn: What people ask for and is not drawn: its name for the notes, and its words.
        spelt: Plain words that a slip of the pen is mended towards, sorted.
    """

    false_friends: re.Pattern[str]
    terms: tuple[Term, ...]
    undrawn: tuple[tuple[str, re.Pattern[str]], ...]
    spelt: tuple[str, ...]

    def names_something(self, word: str) -> bool:
        """Return whether a single word stands for something here, spelt as it is."""
        patterns = (
            self.false_friends,
            *(term.pattern for term in self.terms),
            *(pattern for _, pattern in self.undrawn),
        )
        return word in self.spelt or any(pattern.fullmatch(word) for pattern in patterns)

    def not_drawn(self, text: str) -> list[str]:
        """Return the names of what `text` asks for and is not drawn."""
        return [name for name, pattern in self.undrawn if pattern.search(text)]


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """Return the lexicon that comes with the package; read once."""
    text = (files("retake.engines.vfx.understand") / "lexicon.toml").read_text(encoding="utf-8")
    table: dict[str, Any] = tomllib.loads(text)
    return Lexicon(
        false_friends=_pattern(table["false_friends"]),
        terms=tuple(
            Term(row["effect"], _pattern(row["words"]), row.get("strength"))
            for row in table["terms"]
        ),
        undrawn=tuple((name, _pattern(words)) for name, words in table["undrawn"].items()),
        spelt=tuple(sorted(table["spelt"])),
    )


def _pattern(words: Iterable[str]) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(words)})\b")
