"""What words mean: a small table of word vectors and a classifier over the effects.

For what `lexicon` does not spell out: "the heavens open", "a winter wonderland". The table is built
by tools/build_prompt_table.py and read from the package; nothing is fetched.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import as_file, files

import numpy as np
from numpy.typing import NDArray

ASSET = "prompt_table.npz"
NONE = "none"
_LONGEST_WORD = 40


@dataclass(frozen=True)
class Meaning:
    """Word pieces, their vectors, and the classifier that stands on them.

    Attributes:
        pieces: Row of each word piece; pieces inside a word begin with ``##``.
        vectors: ``[pieces, 128]`` int8; how long a vector is tells how much its piece matters.
        classes: Effects, and `NONE`.
        weights: ``[classes, 128]`` float32.
        bias: ``[classes]`` float32.
    """

    pieces: dict[str, int]
    vectors: NDArray[np.int8]
    classes: tuple[str, ...]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    def knows(self, word: str) -> bool:
        """Return whether `word` stands in the table as a whole."""
        return word in self.pieces

    def encode(self, text: str) -> NDArray[np.float32]:
        """Return the direction that the words of `text` point to, ``[128]``, length 1 or 0."""
        rows = [row for word in text.split() for row in self._rows(word)]
        if not rows:
            return np.zeros(self.vectors.shape[1], np.float32)
        mean = self.vectors[rows].astype(np.float32).mean(axis=0)
        return mean / (np.linalg.norm(mean) + np.float32(1e-9))

    def classify(self, text: str) -> dict[str, float]:
        """Return how likely `text` speaks of each effect or of none, in sum 1."""
        scores = self.weights @ self.encode(text) + self.bias
        powers = np.exp(scores - scores.max())
        return dict(zip(self.classes, (powers / powers.sum()).tolist(), strict=True))

    def _rows(self, word: str) -> list[int]:
        """Return the rows of a word's pieces, longest match first (Schuster and Nakajima 2012)."""
        rows: list[int] = []
        at = 0
        word = word[:_LONGEST_WORD]
        while at < len(word):
            for end in range(len(word), at, -1):
                row = self.pieces.get(("##" if at else "") + word[at:end])
                if row is not None:
                    rows.append(row)
                    at = end
                    break
            else:
                return []
        return rows


@lru_cache(maxsize=1)
def load() -> Meaning:
    """Return the table that comes with the package; read once."""
    asset = files("retake.engines.vfx") / "assets" / ASSET
    with as_file(asset) as path, np.load(path, allow_pickle=False) as table:
        return from_arrays({name: table[name] for name in table.files})


def from_arrays(table: dict[str, NDArray[np.generic]]) -> Meaning:
    """Return the meaning that an asset's arrays hold."""
    pieces = bytes(table["pieces"].astype(np.uint8)).decode("ascii").split("\n")
    classes = bytes(table["classes"].astype(np.uint8)).decode("ascii").split("\n")
    return Meaning(
        pieces={piece: row for row, piece in enumerate(pieces)},
        vectors=table["vectors"].astype(np.int8, copy=False),
        classes=tuple(classes),
        weights=table["weights"].astype(np.float32),
        bias=table["bias"].astype(np.float32),
    )
