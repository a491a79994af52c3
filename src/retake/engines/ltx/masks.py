"""Masks: which latents are made and which are kept. Pure.

A latent is made if anything that it covers is; what it covers besides is thrown away with it, since
only the section's own frames and samples go into the file.

A latent of sound stands for four frames of features, 10 ms each; as with pictures the first one
stands for a single frame (diffusers' `prepare_audio_coords`), so that L latents last (4L - 3) x 10
ms.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from retake.core.request import Mode
from retake.engines.ltx.window import CELL, Window

LATENTS_PER_S = 25
FEATURES_PER_S = 100
FEATURES = 4
"""Feature frames of a latent of sound, the first one aside."""


def video_mask(window: Window, mode: Mode) -> tuple[bool, ...]:
    """Return for each video latent in time whether it is made."""
    if not mode.replaces_video:
        return (False,) * window.latents
    made = (not all(window.keeps(frame) for frame in cell(at)) for at in range(window.latents))
    return tuple(made)


def cell(latent: int) -> range:
    """Return the frames that a video latent covers."""
    return range(max(CELL * latent - CELL + 1, 0), CELL * latent + 1)


def audio_mask(latents: int, opens: Sequence[tuple[Fraction, Fraction]]) -> tuple[bool, ...]:
    """Return for each latent of sound whether it is made.

    Args:
        latents: How many there are.
        opens: What is to be made: from and to, in seconds from the window's start.
    """
    spans = [span_of(latent) for latent in range(latents)]
    return tuple(any(span[0] < end and start < span[1] for start, end in opens) for span in spans)


def span_of(latent: int) -> tuple[Fraction, Fraction]:
    """Return from when to when a latent of sound lasts, in seconds from the window's start."""
    first = max(FEATURES * latent - FEATURES + 1, 0)
    return Fraction(first, FEATURES_PER_S), Fraction(FEATURES * latent + 1, FEATURES_PER_S)


def audio_latents(duration: Fraction, needed: Fraction) -> int:
    """Return how many latents of sound a window has.

    Args:
        duration: Seconds that its pictures last; diffusers takes 25 latents a second for them.
        needed: Seconds of sound that are wanted of it. Decoded sound lasts up to 0.05 s less than
            the pictures, so that one or two latents more are taken where that cuts anything off.
    """
    usual = max(round(duration * LATENTS_PER_S), 1)
    features = -(-needed * FEATURES_PER_S // 1)
    return max(usual, int(-(-(features + FEATURES - 1) // FEATURES)))
