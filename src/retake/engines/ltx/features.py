"""Log-mel features: what the audio encoder takes in the place of sound.

16 kHz, windows of 1024 samples (periodic Hann) every 160 samples, centred and mirrored at the ends;
the spectrum's magnitude through 64 triangles on the Slaney mel scale, each of unit area (as librosa
defines ``htk=False, norm="slaney"``); the natural logarithm of what is at least 1e-5.
"""

from __future__ import annotations

from functools import cache
from typing import cast

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

RATE = 16000
WINDOW = 1024
HOP = 160
BANDS = 64
FLOOR = 1e-5

_LINEAR_HZ = 200 / 3
_BREAK_HZ = 1000.0
_LOG_STEP = np.log(6.4) / 27
_BLOCK = 512

Values = NDArray[np.float64]


def frames_for(samples: int) -> int:
    """Return how many feature frames so many samples have."""
    return samples // HOP + 1


def log_mel(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return features float32 ``[channels, frames, 64]`` of sound at 16 kHz.

    Args:
        samples: float32 ``[channels, samples]``; sound too short to be mirrored gets silence behind
            it.
    """
    channels, count = samples.shape
    half = WINDOW // 2
    sound = samples.astype(np.float64)
    if count <= half:
        sound = np.pad(sound, ((0, 0), (0, half + 1 - count)))
    mirrored = np.pad(sound, ((0, 0), (half, half)), mode="reflect")
    windows = sliding_window_view(mirrored, WINDOW, axis=1)[:, ::HOP][:, : frames_for(count)]
    out = np.empty((channels, windows.shape[1], BANDS), np.float32)
    for start in range(0, windows.shape[1], _BLOCK):
        block = windows[:, start : start + _BLOCK] * _hann()
        magnitude = np.abs(np.fft.rfft(block, axis=-1))
        out[:, start : start + _BLOCK] = np.log(np.maximum(magnitude @ filters(), FLOOR))
    return out


@cache
def filters() -> Values:
    """Return the triangles: ``[513, 64]``, spectrum lines by bands."""
    lines = np.linspace(0, RATE / 2, WINDOW // 2 + 1)
    edges = _hertz(np.linspace(0, float(_mel(np.array(RATE / 2))), BANDS + 2))
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    rising = (lines[:, None] - low) / (middle - low)
    falling = (high - lines[:, None]) / (high - middle)
    return np.maximum(0, np.minimum(rising, falling)) * (2 / (high - low))


@cache
def _hann() -> Values:
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)


def _mel(hertz: Values) -> Values:
    """Return mels (Slaney, Auditory Toolbox 1998): even up to 1 kHz, logarithmic above."""
    above = _BREAK_HZ / _LINEAR_HZ + np.log(np.maximum(hertz, _BREAK_HZ) / _BREAK_HZ) / _LOG_STEP
    return cast("Values", np.where(hertz < _BREAK_HZ, hertz / _LINEAR_HZ, above))


def _hertz(mel: Values) -> Values:
    edge = _BREAK_HZ / _LINEAR_HZ
    above = _BREAK_HZ * np.exp(_LOG_STEP * (np.maximum(mel, edge) - edge))
    return cast("Values", np.where(mel < edge, mel * _LINEAR_HZ, above))
