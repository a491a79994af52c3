"""Raw material of every sound: coloured noise, bands, slow curves, grains.

Stems are float64 ``[2, n]`` at `RATE`; single channels ``[n]``. Chance comes from the generator
that is handed in, so the same generator state gives the same sound.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy import fft

RATE = 48000
"""Samples a second that everything is synthesised at."""

Wave = NDArray[np.float64]
Spectrum = NDArray[np.complex128]
Gain = Callable[[Wave], Wave]
"""How much of each frequency (Hz) passes."""


def seconds(length: int) -> Wave:
    """Return the time of each of `length` samples, in seconds."""
    return np.arange(length) / RATE


def fast_size(length: int) -> int:
    """Return a size of at least `length` (and 16) whose transform is quick."""
    return cast(int, fft.next_fast_len(max(length, 16), real=True))


def forward(wave: Wave, size: int | None = None, axis: int = -1) -> Spectrum:
    """Return the spectrum of a real wave, zero-padded to `size`."""
    return np.asarray(fft.rfft(wave, size, axis=axis))


def backward(spectrum: Spectrum, size: int) -> Wave:
    """Return the real wave of `size` samples that has this spectrum."""
    return np.asarray(fft.irfft(spectrum, size, axis=-1))


def frequencies(size: int) -> Wave:
    """Return the frequency in Hz of each bin of `forward` at `size`."""
    return np.arange(size // 2 + 1, dtype=np.float64) * (RATE / size)


def noise(length: int, draw: np.random.Generator, slope: float = 0.0) -> Wave:
    """Return noise of unit RMS whose power falls with frequency to the power of `slope`.

    0 is white, 1 pink, 2 brown; nothing below 20 Hz.
    """
    return shaped(length, draw, lambda f: np.where(f < 20, 0.0, np.maximum(f, 20) ** (-slope / 2)))


def shaped(length: int, draw: np.random.Generator, gain: Gain) -> Wave:
    """Return noise of unit RMS whose spectrum is `gain` of the frequency in Hz."""
    size = fast_size(length)
    spectrum = forward(draw.standard_normal(size)) * gain(frequencies(size))
    wave = backward(spectrum, size)[:length]
    return wave / (np.sqrt(np.mean(wave**2)) + 1e-12)


def band(low_hz: float, high_hz: float, tilt: float = 0.0) -> Gain:
    """Return a gain that passes `low_hz`..`high_hz` with smooth skirts (12 dB an octave)."""

    def gain(f: Wave) -> Wave:
        f = np.maximum(f, 1.0)
        skirts = 1 / (1 + (low_hz / f) ** 2) / (1 + (f / high_hz) ** 2)
        return skirts * (f / np.sqrt(low_hz * high_hz)) ** (-tilt / 2)

    return gain


def filtered(wave: Wave, gain: Gain) -> Wave:
    """Return `wave` (last axis is time) with `gain` of the frequency applied, without delay."""
    length = wave.shape[-1]
    size = fast_size(length + RATE // 4)
    spectrum = forward(wave, size) * gain(frequencies(size))
    return backward(spectrum, size)[..., :length]


def banded(
    length: int, draw: np.random.Generator, edges_hz: Sequence[float], envelopes: Sequence[Wave]
) -> Wave:
    """Return noise whose bands between `edges_hz` follow an envelope each.

    Bands overlap by half an octave, so that a moving balance sounds like one moving filter.
    """
    size = fast_size(length)
    spectrum = forward(draw.standard_normal(size))
    frequency = np.log2(np.maximum(frequencies(size), 1.0))
    out = np.zeros(length)
    for low, high, envelope in zip(edges_hz, edges_hz[1:], envelopes, strict=False):
        rise = np.clip((frequency - np.log2(low)) / 0.5 + 0.5, 0, 1)
        fall = np.clip((np.log2(high) - frequency) / 0.5 + 0.5, 0, 1)
        part = backward(spectrum * np.sin(rise * fall * np.pi / 2), size)[:length]
        out += part / (np.sqrt(np.mean(part**2)) + 1e-12) * envelope
    return out


def drift(length: int, draw: np.random.Generator, hz: float, low: float, high: float) -> Wave:
    """Return a smooth random curve between `low` and `high` turning `hz` times a second."""
    knots = draw.random(max(4, int(length / RATE * hz) + 4))
    position = np.linspace(0, len(knots) - 2.001, max(length, 1))
    at = position.astype(np.intp)
    part = position - at
    part = part * part * (3 - 2 * part)
    return (low + (high - low) * (knots[at] * (1 - part) + knots[at + 1] * part))[:length]


def pan(wave: Wave, position: float) -> Wave:
    """Return a single channel as ``[2, n]`` at `position` 0 (left) .. 1 (right), constant power."""
    angle = np.clip(position, 0, 1) * np.pi / 2
    return np.stack([wave * np.cos(angle), wave * np.sin(angle)]) * np.sqrt(2)


def wide(left: Wave, right: Wave, width: float) -> Wave:
    """Return two independent channels as ``[2, n]``, 0 = both the same .. 1 = apart, same power."""
    same = (left + right) / np.sqrt(2)
    across = np.sqrt(1 - width * width)
    return np.stack([across * same + width * left, across * same + width * right]) / np.sqrt(
        across**2 + width**2 + np.sqrt(2) * across * width
    )
