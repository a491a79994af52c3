"""From text to words and clauses: the units in which everything else is understood."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from retake.engines.vfx.understand.colours import NAMES
from retake.engines.vfx.understand.when import NUMBERS

_TOKEN = re.compile(r"\d+:\d+(?:\.\d+)?|\d+(?:\.\d+)?|[^\W\d_]+(?:['’][^\W\d_]+)?|[.,;:!?()\n…—–]")
_STOPS = frozenset(".;!?()\n…—–:")
_JOINTS = frozenset({",", "and", "then", "while", "but", "as", "whilst", "when"})
_THEN = frozenset({"then", "afterwards", "later", "next", "finally", "eventually"})

CONTRACTIONS: dict[str, str] = {
    "don't": "not", "doesn't": "not", "isn't": "not", "won't": "not", "can't": "not",
    "didn't": "not", "aren't": "not", "wasn't": "not", "it's": "it", "there's": "there",
    "that's": "that", "he's": "he", "she's": "she", "they're": "they",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Clause:
    """A run of words with one thing to say.

    Attributes:
        words: Lower-case words without accents or punctuation.
        sentence: Number of the sentence it stands in.
        joint: What joins it to the clause before: a conjunction, ``,``, ``.`` or nothing.
    """

    words: tuple[str, ...]
    sentence: int
    joint: str = ""

    @property
    def text(self) -> str:
        """The words with single spaces, padded by one at each end so that patterns can anchor."""
        return f" {' '.join(self.words)} "

    @property
    def follows(self) -> bool:
        """Whether it tells of something that comes after the clause before."""
        return self.joint in _THEN or bool(_THEN & set(self.words[:1]))


_PICTURES = {
    "💥": "explosion", "🔥": "fire", "💨": "smoke", "🌧": "rain", "☔": "rain", "⛈": "storm",
    "🌩": "storm", "⚡": "lightning", "❄": "snow", "🌨": "snow", "☃": "snow", "🌫": "fog",
    "🌃": "night", "🌙": "night", "🌅": "sunset", "🌇": "sunset", "🌄": "sunrise", "🌬": "wind",
}  # fmt: skip


def fold(text: str) -> str:
    """Return `text` in lower case, accents dropped, typographic apostrophes made plain."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().replace("’", "'"))
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def tokens(text: str) -> list[str]:
    """Return words, numbers and stops of `text`, folded."""
    found: list[str] = []
    for match in _TOKEN.finditer(_spelt_out(text)):
        token = match[0]
        found.append(CONTRACTIONS.get(token, token).removesuffix("'s"))
    return found


_TIME_WORDS = frozenset({"s", "sec", "second", "seconds", "a", *NUMBERS})
_PAIRS = frozenset(
    {("cats", "dogs"), ("black", "white"), ("thunder", "lightning"), ("dark", "stormy"),
     ("bright", "hot"), ("hot", "bright"), ("smoke", "mirrors"), ("teal", "orange")}
)  # fmt: skip


def _joined(stream: list[str], at: int) -> bool:
    """Return whether the ``and`` at `at` stands between two times, two colours or a fixed pair."""
    around = tuple(stream[at - 1 : at + 2 : 2]) if at else ()
    if stream[at] != "and" or len(around) < 2:
        return False
    times = all(word[0].isdigit() or word in _TIME_WORDS for word in around)
    return times or NAMES.issuperset(around) or around in _PAIRS


def _spelt_out(text: str) -> str:
    for picture, word in _PICTURES.items():
        if picture in text:
            text = text.replace(picture, f" {word} ")
    return fold(text).replace("-", " ")


def clauses(stream: list[str]) -> tuple[Clause, ...]:
    """Cut a stream of tokens into clauses at stops, commas and conjunctions.

    ``and`` cuts only where something with a verb or an article may follow: between two adjectives
    ("dark and heavy") it joins nothing new, which does no harm.
    """
    found: list[Clause] = []
    words: list[str] = []
    sentence, joint = 0, ""

    def close(next_joint: str) -> None:
        nonlocal words, joint
        if words:
            found.append(Clause(tuple(words), sentence, joint))
            words, joint = [], next_joint
        elif next_joint not in {","}:
            joint = next_joint

    for at, token in enumerate(stream):
        if token in _STOPS:
            close(".")
            sentence += 1
        elif (token in _JOINTS or token in _THEN) and not _joined(stream, at):
            close(token)
        else:
            words.append(token)
    close("")
    return tuple(found)
