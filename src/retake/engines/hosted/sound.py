"""Sound on its way to an upstream server and back: channels and rates that everybody takes."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from retake.core.timing import sample_at
from retake.engines.engine import Shot, Sound
from retake.engines.hosted.window import Window

SENT_RATES = (44100, 48000)
"""Rates that are sent as they are; sound of any other is sent at 48000 samples a second."""


def sent_sound(shot: Shot, window: Window, ends: Fraction) -> Sound | None:
    """Return the shot's sound over the window, up to `ends`, in mono or stereo; None without any.

    `ends` is in the shot's seconds.
    """
    if shot.sound is None:
        return None
    rate, samples = shot.sound.rate, shot.sound.samples
    first = max(shot.sound_start + sample_at(window.opens, rate), 0)
    last = shot.sound_start + sample_at(ends, rate)
    cut = samples[:, first : max(last, first)]
    if cut.shape[0] > 2:
        # Everything beyond left and right goes into both, at half its level.
        cut = cut[:2] + 0.5 * cut[2:].sum(axis=0, dtype=np.float32)
        cut = cut / max(float(np.abs(cut).max(initial=0)), 1.0)
    target = rate if rate in SENT_RATES else 48000
    return Sound(_at_rate(cut.astype(np.float32), rate, target), target)


def received_sound(sound: Sound, shot: Shot) -> Sound:
    """Return sound that came back, as the shot wants it: rate, channels and number of samples."""
    samples = _at_rate(sound.samples, sound.rate, shot.rate)
    made = np.zeros((shot.channels, shot.sound_samples), np.float32)
    count = min(samples.shape[1], shot.sound_samples)
    if shot.channels == 1:
        made[0, :count] = samples.mean(axis=0)[:count]
    elif samples.shape[0] == 1:
        made[:2, :count] = samples[0, :count]
    else:
        channels = min(samples.shape[0], shot.channels)
        made[:channels, :count] = samples[:channels, :count]
    return Sound(made, shot.rate)


def _at_rate(
    samples: np.ndarray[tuple[int, int], np.dtype[np.float32]], rate: int, target: int
) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    if rate == target or not samples.shape[1]:
        return samples
    from scipy.signal import resample_poly

    ratio = Fraction(target, rate)
    resampled = resample_poly(samples, ratio.numerator, ratio.denominator, axis=1)
    return np.ascontiguousarray(resampled, dtype=np.float32)
