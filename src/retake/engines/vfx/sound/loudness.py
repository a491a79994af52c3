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
    """Return ``[channels, n]`` after the K filter: a shelf of 4 dB above 1.7 kHz, a high-pass."""
    out = sound
    # The two stages as analogue prototypes, fitted by ITU-R BS.1770-4 for 48 kHz.
    for kind, hz, q, gain_db in (("shelf", 1500.0, 0.7071752, 4.0), ("high", 38.0, 0.5003271, 0.0)):
        numerator, denominator = _biquad(kind, hz, q, gain_db, rate)
        out = np.asarray(signal.lfilter(numerator, denominator, out, axis=1))
    return out


def _biquad(kind: str, hz: float, q: float, gain_db: float, rate: int) -> tuple[Wave, Wave]:
    """Return a biquad's coefficients (R. Bristow-Johnson, Audio EQ Cookbook)."""
    A = 10 ** (gain_db / 40)
    w = 2 * np.pi * hz / rate
    c, alpha = np.cos(w), np.sin(w) / (2 * q)
    if kind == "high":
        b = np.array([(1 + c) / 2, -(1 + c), (1 + c) / 2])
        return b, np.array([1 + alpha, -2 * c, 1 - alpha])
    root = 2 * np.sqrt(A) * alpha
    up, down = A + 1 + (A - 1) * c, A + 1 - (A - 1) * c
    b = A * np.array([up + root, -2 * (A - 1 + (A + 1) * c), up - root])
    return b, np.array([down + root, 2 * (A - 1 - (A + 1) * c), down - root])


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
