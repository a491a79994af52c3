"""Space: reverberation and echoes, so that an effect stands somewhere."""

from __future__ import annotations

import numpy as np
from scipy import signal

from retake.engines.vfx.sound.waves import RATE, Wave, band, filtered


def reverb(
    stem: Wave,
    draw: np.random.Generator,
    *,
    decay_s: float,
    bright_hz: float,
    wet: float,
    pre_s: float = 0.02,
) -> Wave:
    """Return `stem` ``[2, n]`` with a diffuse tail added.

    Args:
        stem: The dry sound.
        draw: Chance.
        decay_s: Time to fall by 60 dB.
        bright_hz: Above it the tail is dull; high frequencies also die twice as fast.
        wet: Level of the tail, 1 = its energy equals the dry sound's.
        pre_s: Time until the first reflections.
    """
    length = int(RATE * decay_s)
    t = np.arange(length) / RATE
    tails: list[Wave] = []
    for channel in stem:
        tail = draw.standard_normal(length) * np.exp(-6.9 * t / decay_s)
        dull = filtered(tail, band(30, bright_hz))
        early = filtered(tail * np.exp(-6.9 * t / decay_s), band(100, bright_hz * 3))
        response = dull + 0.8 * early
        for _ in range(12):
            response[int(RATE * (pre_s + draw.random() * 0.09))] += draw.normal() * 3
        response[: int(RATE * pre_s * 0.5)] = 0
        response /= np.sqrt(np.sum(response**2)) + 1e-12
        tails.append(signal.fftconvolve(channel, response)[: len(channel)])
    return stem + wet * np.stack(tails)


def echoes(stem: Wave, repeats: tuple[tuple[float, float, float, float], ...]) -> Wave:
    """Return `stem` with distinct echoes: ``(delay_s, level, position, dull_hz)`` each."""
    out = stem.copy()
    middle = stem.mean(axis=0)
    for delay_s, level, position, dull_hz in repeats:
        late = int(delay_s * RATE)
        if late >= stem.shape[1]:
            continue
        copy = filtered(middle[: stem.shape[1] - late], band(40, dull_hz)) * level
        out[0, late:] += copy * np.cos(position * np.pi / 2)
        out[1, late:] += copy * np.sin(position * np.pi / 2)
    return out
