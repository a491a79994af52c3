"""From our 48 kHz stereo to the source's rate and channels."""

from __future__ import annotations

from math import gcd

import numpy as np
from scipy import signal

from retake.engines.vfx.sound.waves import RATE, Wave, band, filtered

_MOST_PHASES = 2000

# Roles of channels in FFmpeg's default layout for each count. L/R: ours; l/r: around the listener;
# C: middle; E: low-frequency effects; b: behind the listener.
_ROLES = {
    1: "M", 2: "LR", 3: "LRE", 4: "LRCb", 5: "LRClr", 6: "LRCElr", 7: "LRCEblr", 8: "LRCElrlr",
}  # fmt: skip
_AROUND = 0.5
_BEHIND_S = 0.019
_LOW_HZ = 110.0


def resampled(wave: Wave, rate: int, length: int, *, source_rate: int = RATE) -> Wave:
    """Return `wave` (last axis is time) at `rate`, exactly `length` samples, zero-padded or cut."""
    if rate != source_rate:
        common = gcd(rate, source_rate)
        up, down = rate // common, source_rate // common
        if max(up, down) <= _MOST_PHASES:
            wave = np.asarray(signal.resample_poly(wave, up, down, axis=-1))
        else:
            size = round(wave.shape[-1] * rate / source_rate)
            wave = np.asarray(signal.resample(wave, size, axis=-1))
    missing = length - wave.shape[-1]
    if missing > 0:
        wave = np.concatenate([wave, np.zeros((*wave.shape[:-1], missing))], axis=-1)
    return wave[..., :length]


def spread(stereo: Wave, channels: int) -> Wave:
    """Return a stereo stem ``[2, n]`` at `RATE` as ``[channels, n]`` in FFmpeg's default layouts.

    Left and right stay what they are; what surrounds the listener comes later and softer, the
    low-frequency channel gets what lies below 110 Hz, the middle stays free for speech.
    """
    roles = _ROLES.get(channels)
    if roles is None:
        return np.concatenate([stereo, np.zeros((channels - 2, stereo.shape[1]))])
    return np.stack([_channel(stereo, role) for role in roles])


def spread_speech(voice: Wave, channels: int) -> Wave:
    """Return a voice ``[n]`` as ``[channels, n]``: in the middle, where a film has it."""
    roles = _ROLES.get(channels, "LR" + "-" * (channels - 2))
    if "C" in roles:
        return np.stack([voice if role == "C" else np.zeros_like(voice) for role in roles])
    level = 1.0 if roles == "M" else np.sqrt(0.5)
    silent = np.zeros_like(voice)
    return np.stack([voice * level if role in "MLR" else silent for role in roles])


def _channel(stereo: Wave, role: str) -> Wave:
    left, right = stereo
    middle = (left + right) / 2
    match role:
        case "L" | "R":
            return left if role == "L" else right
        case "M":
            return middle
        case "E":
            return filtered(middle, band(18, _LOW_HZ)) * 0.7
        case "l" | "r" | "b":
            side = {"l": (left, 1.0), "r": (right, 1.13), "b": (middle, 1.3)}[role]
            return _AROUND * _late(side[0], _BEHIND_S * side[1])
        case _:
            return middle * 0.25


def _late(wave: Wave, time_s: float) -> Wave:
    late = int(time_s * RATE)
    return np.concatenate([np.zeros(late), wave])[: len(wave)]
