"""How loud a piece of sound is: ITU-R BS.1770-4, in LUFS, and its true peak in dBTP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyloudnorm import IIRfilter
from scipy.signal import lfilter, resample_poly

SILENCE_LUFS = -70.0
"""What is quieter counts as silence (the absolute gate of BS.1770-4)."""

BLOCK_S = 0.4
"""Seconds of one momentary measurement."""

Samples = NDArray[np.float32] | NDArray[np.float64]


def k_weighted(samples: Samples, rate: int) -> NDArray[np.float64]:
    """Return ``[channels, samples]`` as the ear weighs it (BS.1770-4, annex 1).

    Channels that the standard leaves out (a low-frequency one) are silent; surround ones are
    raised by 1.5 dB. Six channels are taken as FFmpeg's 5.1: L, R, C, LFE, Ls, Rs.
    """
    weighted: Any = np.asarray(samples, np.float64)
    for kind, args in (
        ("high_shelf", (4.0, 1 / np.sqrt(2), 1500.0)),
        ("high_pass", (0.0, 0.5, 38.0)),
    ):
        stage = IIRfilter(*args, rate, kind)
        weighted = lfilter(stage.b, stage.a, weighted, axis=-1)
    gains = np.sqrt(channel_weights(weighted.shape[0]))
    return np.asarray(weighted * gains[:, None], np.float64)


def channel_weights(channels: int) -> NDArray[np.float64]:
    """Return the power by which each channel counts."""
    weights: Sequence[float] = {5: (1, 1, 1, 1.41, 1.41), 6: (1, 1, 1, 0, 1.41, 1.41)}.get(
        channels, (1,) * channels
    )
    return np.array(weights, np.float64)


def power_to_lufs(power: float) -> float:
    """Return the loudness of a weighted mean square; minus infinity for silence."""
    return -0.691 + 10 * float(np.log10(power)) if power > 0 else -np.inf


def loudness(samples: Samples, rate: int) -> float:
    """Return the ungated loudness of ``[channels, samples]`` in LUFS; -inf for silence."""
    if not samples.shape[1]:
        return -np.inf
    return power_to_lufs(float(np.mean(np.sum(k_weighted(samples, rate) ** 2, axis=0))))


def integrated_loudness(samples: Samples, rate: int) -> float:
    """Return the gated programme loudness of ``[channels, samples]`` in LUFS; -inf for silence.

    Sound shorter than one block is measured as a whole.
    """
    block = round(BLOCK_S * rate)
    if samples.shape[1] <= block:
        return loudness(samples, rate)
    energy = np.concatenate([[0.0], np.cumsum(np.sum(k_weighted(samples, rate) ** 2, axis=0))])
    starts = np.arange(0, samples.shape[1] - block + 1, block // 4)
    powers = np.maximum(energy[starts + block] - energy[starts], 0) / block
    floor = 10 ** ((SILENCE_LUFS + 0.691) / 10)
    loud = powers[powers > floor]
    if not loud.size:
        return -np.inf
    # Blocks more than 10 LU under the mean of what is heard at all do not count.
    return power_to_lufs(float(loud[loud > loud.mean() / 10].mean()))


def true_peaks(samples: Samples) -> NDArray[np.float64]:
    """Return, for every sample moment, the peak of all channels between it and the next one.

    Four times oversampled (BS.1770-4, annex 2); 1 is full scale.
    """
    dense = np.abs(resample_poly(np.asarray(samples, np.float64), 4, 1, axis=-1))
    between = dense.reshape(samples.shape[0], samples.shape[1], 4).max(axis=(0, 2))
    return np.maximum(between, np.abs(samples).max(axis=0))
