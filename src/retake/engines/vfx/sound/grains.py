"""Grains: crackles, drops and debris, as many short sounds from a small bank of templates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retake.engines.vfx.sound.waves import RATE, Wave

_BANK = 24


@dataclass(frozen=True, slots=True)
class GrainKind:
    """What one family of grains sounds like.

    Attributes:
        low_hz, high_hz: Range of their resonance.
        short_s, long_s: Range of their length.
        tone: 0 for a burst of noise .. 1 for a ringing tone.
        glide: How much the tone rises (positive) or falls over a grain, in octaves.
    """

    low_hz: float
    high_hz: float
    short_s: float
    long_s: float
    tone: float = 0.3
    glide: float = 0.0


def bank(kind: GrainKind, draw: np.random.Generator) -> list[Wave]:
    """Return templates of unit peak, drawn over the kind's ranges."""
    return [_grain(kind, draw) for _ in range(_BANK)]


def scatter(
    length: int,
    draw: np.random.Generator,
    templates: list[Wave],
    rate_hz: float,
    envelope: Wave,
    *,
    tail: float = 2.2,
    ceiling: float = 1.0,
    width: float = 0.8,
    centre: float = 0.5,
) -> Wave:
    """Return ``[2, length]`` with grains strewn at random.

    Args:
        length: Samples.
        draw: Chance.
        templates: What `bank` made.
        rate_hz: Grains a second where `envelope` is 1.
        envelope: ``[length]`` in 0..1; thins the grains out and lowers them.
        tail: Pareto exponent of their loudness: small gives few loud ones among many soft ones.
        ceiling: Loudest peak.
        width: How far they spread over the stereo picture, 0..1.
        centre: The middle of that spread, 0 (left) .. 1 (right).
    """
    out = np.zeros((2, length))
    count = int(draw.poisson(rate_hz * length / RATE))
    starts = draw.integers(0, max(length, 1), count)
    which = draw.integers(0, len(templates), count)
    loud = np.minimum(draw.pareto(tail, count) * 0.25, 1.0) * ceiling
    place = np.clip(centre + width * (draw.random(count) - 0.5), 0, 1) * (np.pi / 2)
    kept = draw.random(count) < envelope[starts] if count else np.zeros(0, bool)
    for start, number, level, angle, keep in zip(starts, which, loud, place, kept, strict=True):
        if not keep:
            continue
        grain = templates[number][: length - start]
        scaled = grain * (level * (0.3 + 0.7 * envelope[start]))
        end = start + len(grain)
        out[0, start:end] += scaled * np.cos(angle)
        out[1, start:end] += scaled * np.sin(angle)
    return out


def _grain(kind: GrainKind, draw: np.random.Generator) -> Wave:
    length = max(48, int(RATE * draw.uniform(kind.short_s, kind.long_s)))
    t = np.arange(length) / RATE
    hz = float(np.exp(draw.uniform(np.log(kind.low_hz), np.log(kind.high_hz))))
    sweep = hz * 2 ** (kind.glide * np.arange(length) / length)
    phase = 2 * np.pi * np.cumsum(sweep) / RATE + draw.uniform(0, 2 * np.pi)
    hiss = draw.standard_normal(length)
    # Ring modulation moves the burst to its own band: cheaper than a filter a grain.
    hiss = np.convolve(hiss, np.ones(9) / 3, "same") * np.cos(phase)
    body = kind.tone * np.sin(phase) + (1 - kind.tone) * hiss
    attack = 1 - np.exp(-t / 0.0004)
    fade = np.minimum(1.0, (length - np.arange(length)) / (0.2 * length))
    grain = body * attack * np.exp(-t / (length / RATE / 4.5)) * fade
    return grain / (np.max(np.abs(grain)) + 1e-12)
