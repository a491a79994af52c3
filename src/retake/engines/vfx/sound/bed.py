"""The bed: still air with the colour of the source's surroundings, so that joins stay unheard."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d, median_filter

from retake.engines.vfx.sound.waves import Wave, backward, fast_size, forward

_CONTEXT_S = 2.0
_LEAST_S = 0.15
_QUIET = 0.25
_LOUDEST_RMS = 10 ** (-30 / 20)
_WINDOW = 2048


def make_bed(around: Wave, start: int, length: int, rate: int, draw: np.random.Generator) -> Wave:
    """Return ``[channels, length]`` of stationary noise that sounds like the place.

    Its spectrum is that of the quiet moments of up to 2 s before and after the section (or within
    it, where there is nothing around), its phases are random: what was said or played there is
    gone, what the air, the room and the microphone gave is still there. It moves from the one
    side's colour to the other's.

    Args:
        around: The source's sound ``[channels, n]``, handles included.
        start: Sample of `around` at which the section starts.
        length: Samples of the section.
        rate: Samples a second.
        draw: Chance.
    """
    context = int(_CONTEXT_S * rate)
    before = around[:, max(0, start - context) : start]
    after = around[:, start + length : start + length + context]
    least = int(_LEAST_S * rate)
    sides = [side for side in (before, after) if side.shape[1] >= least]
    if not sides:
        sides = [around[:, start : start + length]]
    if sides[0].shape[1] < least:
        return np.zeros((len(around), length))
    beds = [_still(side, length, draw) for side in sides]
    if len(beds) == 1:
        return beds[0]
    turn = np.clip(np.linspace(-0.2, 1.2, length), 0, 1)
    return beds[0] * np.sqrt(1 - turn) + beds[1] * np.sqrt(turn)


def _still(side: Wave, length: int, draw: np.random.Generator) -> Wave:
    size = fast_size(length)
    common = forward(draw.standard_normal(size))
    channels: list[Wave] = []
    for number, channel in enumerate(side):
        magnitude, quiet_rms = _quiet_spectrum(channel)
        alike = 1.0 if number == 0 else _likeness(side[0], channel)
        own = forward(draw.standard_normal(size)) if alike < 1 else common
        mixed = alike * common + np.sqrt(1 - alike**2) * own
        bins = np.linspace(0, 1, len(magnitude))
        colour = np.interp(np.linspace(0, 1, len(common)), bins, magnitude)
        wave = backward(mixed * colour, size)[:length]
        level = min(quiet_rms, _LOUDEST_RMS)
        channels.append(wave * (level / (np.sqrt(np.mean(wave**2)) + 1e-12)))
    return np.stack(channels)


def _quiet_spectrum(channel: Wave) -> tuple[Wave, float]:
    """Return the magnitude of the quiet frames' spectrum, and the RMS of those frames."""
    window = min(_WINDOW, len(channel))
    if window < 16 or not np.any(channel):
        return np.zeros(2), 0.0
    hop = window // 2
    starts = range(0, len(channel) - window + 1, hop)
    frames = np.stack([channel[at : at + window] for at in starts], axis=1)
    power = np.abs(forward(frames * np.hanning(window)[:, None], axis=0)) ** 2
    loudness = power.sum(axis=0)
    quiet = power[:, loudness <= np.quantile(loudness, _QUIET)]
    rms = np.mean(frames**2, axis=0)
    # The median of each bin leaves out notes and voices; the level is the quiet frames' own.
    level = np.sqrt(np.median(quiet, axis=1))
    # Held notes would come out as whistling: only the broad colour is the air's.
    level = gaussian_filter1d(median_filter(level, size=31, mode="nearest"), 4, mode="nearest")
    return level, float(np.sqrt(np.quantile(rms, _QUIET / 2)))


def _likeness(one: Wave, other: Wave) -> float:
    """Return how alike two channels are, 0..1: the correlation of their samples."""
    scale = np.sqrt(np.mean(one**2) * np.mean(other**2))
    if scale < 1e-9:
        return 0.0
    value = float(np.clip(np.mean(one * other) / scale, 0.0, 1.0))
    return 1.0 if value > 0.9999 else value
