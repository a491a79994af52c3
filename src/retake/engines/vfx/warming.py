"""Compiling everything once, before somebody waits for it."""

from __future__ import annotations


def warm() -> None:
    """Make a tiny take with every effect, so that all kernels are compiled and cached."""
