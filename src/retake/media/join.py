"""Joining new sound to the sound around it, so that nobody hears where it begins and ends.

Everything happens inside the section: the samples around it are never touched. At each seam the
source's own sound fades into the new one, whose level starts at the surroundings' and moves to its
own; as a whole the new sound stays within reach of the surroundings, its peaks below full scale.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import minimum_filter1d

from retake.media.loudness import (
    BLOCK_S,
    SILENCE_LUFS,
    integrated_loudness,
    k_weighted,
    power_to_lufs,
    true_peaks,
)

FADE_S = 0.04
"""Seconds over which the source's own sound fades into the new one."""

EASE_S = 0.5
"""Seconds over which the new sound moves from the surroundings' level to its own."""

EASE_DB = (-18.0, 6.0)
"""How far it is lowered or raised at the seam: an event right behind it keeps its punch."""

HEADROOM_LU = 8.0
"""How much louder than its surroundings the new sound may be as a whole."""

QUIET_LUFS = -23.0
"""Up to this loudness it may go in any case: a whisper must not muffle an explosion."""

CEILING = 10 ** (-1 / 20)
"""Highest true peak, -1 dBTP."""

_LIMITER_S = 0.005

Sound = NDArray[np.float32]


def join_sound(context: Sound, offset: int, new: Sound, rate: int) -> Sound:
    """Return `new`, made to fit into its place in `context`.

    Args:
        context: The source's sound around and in the section, float32 ``[channels, samples]``.
        offset: Sample of `context` at which the section starts.
        new: The section's new sound, float32 ``[channels, samples]``.
        rate: Samples a second.

    Returns:
        As many samples as `new`. Where something precedes or follows the section, the first or last
        one is the source's own; at the very start or end of the sound it is silence.

    Raises:
        ValueError: `new` does not fit into `context` there.
    """
    end = offset + new.shape[1]
    if context.shape[0] != new.shape[0] or offset < 0 or end > context.shape[1]:
        raise ValueError(
            f"sound of shape {new.shape} does not fit at {offset} into {context.shape}"
        )
    if not new.shape[1]:
        return new.copy()
    fitted = _bound(context, offset, new.astype(np.float64), rate)
    before, after = context[:, :offset], context[:, end:]
    fitted *= _ease(before[:, ::-1], fitted, rate)
    fitted *= _ease(after, fitted[:, ::-1], rate)[::-1]
    fitted = limit(fitted, rate)
    # The source's own sound fades only into seams; before the first sample there is silence.
    own = context[:, offset:end].astype(np.float64)
    weight_in, weight_out = _fades(new.shape[1], rate)
    fitted = _fade(fitted, own if offset else 0 * own, weight_in)
    fitted = _fade(fitted, own if end < context.shape[1] else 0 * own, weight_out)
    return fitted.astype(np.float32)


def limit(samples: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    """Return sound whose true peak is at most -1 dBTP, turned down smoothly around its peaks."""
    ceiling = CEILING * 0.99
    peaks = true_peaks(samples)
    if peaks.max(initial=0) <= ceiling:
        return samples
    gain = np.minimum(1, ceiling / np.maximum(peaks, 1e-9))
    # The mean of minima over the same width never lies above the gain that a peak needs.
    width = 2 * round(_LIMITER_S * rate) + 1
    lowest = minimum_filter1d(gain, width, mode="nearest")
    padded = np.pad(lowest, width // 2, mode="edge")
    sums = np.cumsum(np.concatenate([[0.0], padded]))
    smooth = (sums[width:] - sums[:-width]) / width
    return samples * np.minimum(smooth, 1)


def _bound(context: Sound, offset: int, new: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    """Return `new` turned down where it is too loud for its surroundings as a whole."""
    around = np.concatenate([context[:, :offset], context[:, offset + new.shape[1] :]], axis=1)
    if around.shape[1] < rate:
        around = context
    most = max(integrated_loudness(around, rate) + HEADROOM_LU, QUIET_LUFS)
    excess = integrated_loudness(new, rate) - most
    return new * 10 ** (-excess / 20) if excess > 0 else new


def _ease(outside: Sound, inside: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    """Return the gain of every sample of `inside` that lets its level grow out of the seam.

    Both are told from the seam on: `outside` runs backwards from it.
    """
    gain = np.ones(inside.shape[1])
    block = round(BLOCK_S * rate)
    if outside.shape[1] < block // 4 or inside.shape[1] < block:
        return gain
    # Weighting forwards or backwards makes no difference to the power.
    target = _power(k_weighted(outside[:, : 2 * block], rate)[:, :block])
    near = np.sum(k_weighted(inside[:, : 2 * block], rate)[:, :block] ** 2, axis=0)
    if power_to_lufs(target) < SILENCE_LUFS or power_to_lufs(float(near.mean())) < SILENCE_LUFS:
        return gain
    reach = min(round(EASE_S * rate), inside.shape[1])
    shape = 0.5 + 0.5 * np.cos(np.pi * np.arange(reach) / reach)
    gain[:reach] = 10 ** (_seam_gain(target, near, shape) * shape / 20)
    return gain


def _seam_gain(target: float, near: NDArray[np.float64], shape: NDArray[np.float64]) -> float:
    """Return the decibels at the seam that bring the first block to the surroundings' power."""
    curve = np.zeros(near.size)
    curve[: min(shape.size, near.size)] = shape[: near.size]
    low, high = EASE_DB
    for _ in range(24):
        middle = (low + high) / 2
        if float(np.mean(near * 10 ** (middle * curve / 10))) > target:
            high = middle
        else:
            low = middle
    return (low + high) / 2


def _power(weighted: NDArray[np.float64]) -> float:
    return float(np.mean(np.sum(weighted**2, axis=0)))


def _fades(count: int, rate: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the new sound's weight at the opening and at the closing seam, for every sample."""
    reach = max(min(round(FADE_S * rate), count // 2), 1)
    opening = np.ones(count)
    opening[:reach] = 0.5 - 0.5 * np.cos(np.pi * np.arange(reach) / reach)
    return opening, opening[::-1]


def _fade(
    new: NDArray[np.float64], own: NDArray[np.float64], weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    # Weights that add up to one keep every sample between the two sounds: no new peaks.
    return own * (1 - weight) + new * weight
