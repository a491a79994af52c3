"""Reads the labelled prompts."""

from __future__ import annotations

from pathlib import Path


def labelled(name: str = "prompts.txt") -> list[tuple[frozenset[str], str]]:
    """Return ``(effects, prompt)`` for every line of a list; no effects means none."""
    found: list[tuple[frozenset[str], str]] = []
    for line in (Path(__file__).parent / name).read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        labels, _, prompt = line.partition(" | ")
        found.append((frozenset(labels.split("+")) - {"none"}, prompt))
    return found
