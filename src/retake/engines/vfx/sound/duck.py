"""Ducking: what lies beneath steps back while something else is to be heard."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import maximum_filter1d

from retake.engines.vfx.sound.waves import Wave

_BLOCK_S = 0.01
_MOST_DB = 14.0
_SPEECH_DB = 9.0


def duck_for_effects(ground: Wave, effects: Wave, rate: int) -> Wave:
    """Return `ground` lowered by up to 14 dB where `effects` are as loud or louder.

    Where the effects are silent the result equals `ground` exactly.
    """
    block = max(1, int(_BLOCK_S * rate))
    over_db = _level_db(effects, block) - np.maximum(_level_db(ground, block), -50.0)
    loud: Wave = np.clip((over_db + 14) / 20, 0.0, 1.0).astype(np.float64)
    return ground * _gain(loud**2 * _MOST_DB, block, ground.shape[1], 0.03, 0.35)


def duck_for_speech(beneath: Wave, line: Wave, rate: int) -> Wave:
    """Return `beneath` lowered by 9 dB while `line` ``[n]`` speaks, pauses within it included."""
    block = max(1, int(_BLOCK_S * rate))
    speaking = _level_db(line[None], block) > -55
    lower_db = speaking.astype(np.float64) * _SPEECH_DB
    return beneath * _gain(lower_db, block, beneath.shape[1], 0.12, 0.4)


def _level_db(sound: Wave, block: int) -> Wave:
    power = np.mean(sound**2, axis=0)
    blocks = -(-len(power) // block)
    padded = np.pad(power, (0, blocks * block - len(power)))
    level = padded.reshape(blocks, block).mean(axis=1)
    return np.asarray(10 * np.log10(level + 1e-12), np.float64)


def _gain(lower_db: Wave, block: int, length: int, before_s: float, after_s: float) -> Wave:
    """Return a gain for each sample that is down in time and comes up slowly."""
    ahead = max(1, round(before_s / _BLOCK_S))
    hold = max(1, round(after_s / _BLOCK_S))
    # Held over pauses, then smoothed by a window as long as the attack.
    held = maximum_filter1d(lower_db, 2 * ahead + 1, mode="constant")
    for at in range(1, len(held)):
        held[at] = max(held[at], held[at - 1] - _MOST_DB / hold)
    window = np.hanning(2 * ahead + 3)[1:-1]
    smooth = np.convolve(np.pad(held, ahead, mode="edge"), window / window.sum(), "valid")
    centres = (np.arange(len(smooth)) + 0.5) * block
    curve = np.interp(np.arange(length), centres, smooth)
    return np.where(curve < 1e-6, 1.0, 10 ** (-curve / 20))
