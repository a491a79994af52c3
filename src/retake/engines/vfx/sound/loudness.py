"""Loudness: measuring it (ITU-R BS.1770-4) and keeping peaks below the ceiling."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import signal
from scipy.ndimage import minimum_filter1d

from retake.engines.vfx.sound.waves import Wave

CEILING_DBTP = -1.0
_SAFETY_DB = 0.15
_SILENT_LUFS = -70.0
_LOOK_S = 0.004


def integrated(sound: Wave, rate: int) -> float:
    """Return the gated loudness of ``[channels, n]`` in LUFS; -70 for silence or under 0.4 s."""
    from pyloudnorm import Meter

    if sound.shape[1] < int(0.4 * rate) + 1 or not np.any(sound):
        return _SILENT_LUFS
    # BS.1770 knows five channels; the rest of a 5.1 or 7.1 mix hardly moves the figure.
    with np.errstate(divide="ignore"):
        value = float(Meter(rate).integrated_loudness(sound[:5].T))
    return max(value, _SILENT_LUFS) if np.isfinite(value) else _SILENT_LUFS


def momentary(sound: Wave, rate: int) -> float:
    """Return the loudness of the loudest 0.4 s of ``[channels, n]`` in LUFS; -70 for silence."""
    weighted = k_weighted(sound, rate)
    power = np.sum(weighted**2, axis=0)
    window = min(int(0.4 * rate), len(power))
    if window == 0:
        return _SILENT_LUFS
    total = np.cumsum(np.concatenate([[0.0], power]))
    loudest = float(np.max(total[window:] - total[:-window])) / window
    return max(-0.691 + 10 * np.log10(loudest + 1e-12), _SILENT_LUFS)


def k_weighted(sound: Wave, rate: int) -> Wave:
    """Return ``[channels, n]`` after the K filter of BS.1770: a shelf and a high-pass."""
    from pyloudnorm import Meter

    out = sound
    for stage in Meter(rate)._filters.values():  # noqa: SLF001 (its public way gates)
        out = signal.lfilter(stage.b, stage.a, out, axis=1)
    return np.asarray(out) * 1.0


def true_peaks(sound: Wave, rate: int) -> Wave:
    """Return for each sample the largest absolute value over all channels around it, ``[n]``.

    Oversampled to at least 176.4 kHz, as BS.1770-4 annex 2 asks, channel by channel to save memory.
    """
    factor = 4 if rate < 88200 else 2 if rate < 176400 else 1
    peaks = np.zeros(sound.shape[1])
    for channel in sound:
        np.maximum(peaks, np.abs(channel), out=peaks)
        if factor > 1 and len(channel):
            fine = np.abs(signal.resample_poly(channel, factor, 1))
            np.maximum(peaks, fine.reshape(-1, factor).max(axis=1), out=peaks)
    return peaks


def limit(sound: Wave, rate: int, active: NDArray[np.bool_]) -> Wave:
    """Return ``[channels, n]`` with true peaks at -1 dBTP where `active`, untouched elsewhere.

    A look-ahead limiter: the gain falls before the peak and recovers after it over 4 ms, with all
    channels alike. Where nothing of ours sounds the source keeps its own peaks.
    """
    ceiling = 10 ** ((CEILING_DBTP - _SAFETY_DB) / 20)
    gain = np.where(
        active, np.minimum(1.0, ceiling / np.maximum(true_peaks(sound, rate), 1e-9)), 1.0
    )
    if np.all(gain == 1.0):
        return sound
    look = max(1, int(_LOOK_S * rate))
    held = minimum_filter1d(gain, 2 * look + 1, mode="nearest")
    window = np.hanning(2 * look + 3)[1:-1]
    smooth = signal.fftconvolve(np.pad(held, look, mode="edge"), window / window.sum(), "valid")
    # fftconvolve leaves rounding noise where the gain is 1 throughout.
    return sound * np.where(smooth > 1 - 1e-9, 1.0, smooth)
