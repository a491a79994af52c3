"""Thunder: a crack for each lightning, then the roll of its far ends, duller with distance."""

from __future__ import annotations

import numpy as np
from scipy import signal

from retake.engines.vfx.events import Strike, strikes
from retake.engines.vfx.plan import Cue
from retake.engines.vfx.sound.envelope import ending, lasting
from retake.engines.vfx.sound.space import reverb
from retake.engines.vfx.sound.waves import (
    RATE,
    Wave,
    band,
    banded,
    drift,
    pan,
    seconds,
    shaped,
    wide,
)  # fmt: skip

_SOUND_M_S = 343.0
_ROOM_TO_ROLL_S = 1.3
_LONGEST_ROLL_S = 6.0
_EDGES_HZ = (25, 70, 160, 400, 1000, 2600, 7000)
_RING_S = (0.6, 0.42, 0.26, 0.13, 0.06, 0.035)


def render(cue: Cue, length: int, draw: np.random.Generator, seed: int) -> Wave:
    """Return the thunder of a storm, ``[2, length]``, on the gloom of the air around it."""
    out = np.zeros((2, length))
    for strike in strikes(cue, seed):
        at = int(arrival(strike, cue) * RATE)
        if at < length - RATE // 10:
            span = min(length - at, int(_LONGEST_ROLL_S * RATE))
            out[:, at : at + span] += _clap(span, strike, draw)
    out = reverb(out, draw, decay_s=2.8, bright_hz=800, wet=0.35)
    gloom = [shaped(length, draw, band(35, 240, 1.0)) for _ in range(2)]
    air = wide(gloom[0], gloom[1], 0.8) * lasting(cue, length) * drift(length, draw, 0.9, 0.4, 1.0)
    return (out + 0.05 * (0.5 + cue.strength) * air) * ending(cue, length, 1.0)


def arrival(strike: Strike, cue: Cue) -> float:
    """Return when a strike's thunder begins, seconds from the section's start.

    Sound needs its time, but not so long that the roll would be cut off by the section's end.
    """
    latest = max(cue.end_s - _ROOM_TO_ROLL_S, strike.time_s + 0.05)
    return min(strike.time_s + strike.distance_m / _SOUND_M_S, latest)


def _clap(rest: int, strike: Strike, draw: np.random.Generator) -> Wave:
    near = float(np.clip(1 - strike.distance_m / 1300, 0.05, 1))
    # The channel is kilometres long: its parts arrive one after another.
    delays = np.concatenate([[0.0, 0.035, 0.08], draw.gamma(2.0, 0.38 + 0.2 * (1 - near), 8)])
    levels = np.concatenate([[1.0, 0.8, 0.7], 0.7 * draw.uniform(0.08, 1.0, 8) ** 1.5]) * np.exp(
        -delays * 0.8
    )
    sides = [_roll(rest, delays + draw.uniform(0, 0.012, 11), levels, near, draw) for _ in range(2)]
    out = wide(sides[0], sides[1], 0.65)
    if near > 0.35:
        out += pan(1.6 * _tear(rest, draw) * near, 0.2 + 0.6 * strike.x)
    fade = np.clip((rest - np.arange(rest)) / (0.5 * RATE), 0, 1)
    return np.tanh(0.9 * out) * (0.3 + 0.75 * strike.strength) * fade


def _roll(rest: int, delays: Wave, levels: Wave, near: float, draw: np.random.Generator) -> Wave:
    envelopes: list[Wave] = []
    for number, ring_s in enumerate(_RING_S):
        # Air takes the highs: 0.5 dB a band near by, 7 dB a band far away.
        loss = 10 ** (-(0.5 + 6.5 * (1 - near)) * number / 20)
        envelopes.append(loss * _arrivals(rest, delays, levels, ring_s, 0.004 + 0.03 * (1 - near)))
    rough = drift(rest, draw, 6, 0.3, 1.25) * drift(rest, draw, 19, 0.75, 1.2)
    # The first clap comes at full force; only its roll is rough.
    rough = 1.2 + (rough - 1.2) * np.clip(seconds(rest) / 0.35, 0, 1)
    return 0.55 * banded(rest, draw, _EDGES_HZ, envelopes) * rough


def _arrivals(rest: int, delays: Wave, levels: Wave, ring_s: float, attack_s: float) -> Wave:
    """Return a level that rises with each arrival within `attack_s` and rings for `ring_s`."""
    impulses = np.zeros(rest)
    for delay_s, level in zip(delays, levels, strict=True):
        if (start := int(delay_s * RATE)) < rest:
            impulses[start] += level
    # (1 - e^(-t/attack)) e^(-t/ring) is the difference of two exponentials: two one-pole filters.
    slow = np.exp(-1 / (ring_s * RATE))
    fast = slow * np.exp(-1 / (attack_s * RATE))
    rung = [signal.lfilter([1.0], [1.0, -pole], impulses) for pole in (slow, fast)]
    return np.asarray(rung[0]) - np.asarray(rung[1])


def _tear(rest: int, draw: np.random.Generator) -> Wave:
    """The ripping crack of a near strike: dozens of sharp shocks within a fifth of a second."""
    out = np.zeros(rest)
    for delay_s in np.sort(draw.exponential(0.055, 34)):
        start = int(delay_s * RATE)
        span = min(int(0.012 * RATE), rest - start)
        if span > 8:
            t = seconds(span)
            shock = draw.standard_normal(span) * np.exp(-t / 0.0022) * np.exp(-delay_s / 0.11)
            out[start : start + span] += shock * float(draw.uniform(0.4, 1.4))
    return out
