"""Prompt -> plan: which effects, when, where, how strong, what is said, and what cannot be done."""

from retake.engines.vfx.understand.compose import understand

__all__ = ["understand"]
