"""The quiet ones: snow's hush, fog's hollow air, crickets, evening birds, billowing smoke."""

from __future__ import annotations

import numpy as np

from retake.engines.vfx.plan import Cue
from retake.engines.vfx.sound.envelope import lasting
from retake.engines.vfx.sound.space import reverb
from retake.engines.vfx.sound.waves import RATE, Gain, Wave, band, drift, pan, seconds, shaped, wide
from retake.engines.vfx.sound.wind import blow


def snow(cue: Cue, length: int, draw: np.random.Generator, _seed: int) -> Wave:
    """Return falling snow: a soft wind, the highs swallowed, a faint grain of flakes."""
    hush = blow(length, 0.25 + 0.35 * cue.strength, draw)
    flakes = _pair(length, draw, band(3500, 10000, 0.6)) * drift(length, draw, 3, 0.3, 1.0)
    return (hush + 0.006 * (0.5 + cue.strength) * flakes) * lasting(cue, length)


def fog(cue: Cue, length: int, draw: np.random.Generator, _seed: int) -> Wave:
    """Return fog: hollow, distant air with a slow swell and nothing near."""
    hollow = _pair(length, draw, band(90, 380, 0.8)) * drift(length, draw, 0.5, 0.5, 1.0)
    far = _pair(length, draw, band(500, 1500, 1.0)) * drift(length, draw, 0.8, 0.1, 0.5)
    air = 0.1 * hollow + 0.02 * far
    return reverb(air, draw, decay_s=2.0, bright_hz=1200, wet=0.5) * lasting(cue, length)


def smoke(cue: Cue, length: int, draw: np.random.Generator, _seed: int) -> Wave:
    """Return smoke: a low billowing breath and a hiss."""
    breath = _pair(length, draw, band(60, 320, 0.8)) * drift(length, draw, 1.6, 0.2, 1.0)
    hiss = _pair(length, draw, band(1800, 7000, 0.6)) * drift(length, draw, 2.4, 0.1, 0.7)
    return (0.12 * breath + 0.016 * hiss) * (0.5 + cue.strength) * lasting(cue, length)


def night(cue: Cue, length: int, draw: np.random.Generator, _seed: int) -> Wave:
    """Return a summer night: crickets near and far over still air."""
    out = 0.012 * _pair(length, draw, band(80, 900, 1.0))
    for number in range(6):
        level = 0.030 if number < 2 else 0.012
        song = _cricket(length, draw) * level * float(draw.uniform(0.6, 1.0))
        out += pan(song, float(draw.uniform(0.05, 0.95)))
    out = reverb(out, draw, decay_s=0.9, bright_hz=6000, wet=0.3)
    return out * lasting(cue, length)


def stillness(cue: Cue, length: int, draw: np.random.Generator, _seed: int) -> Wave:
    """Return still night air, for nights in which no cricket sings (storm, snow, fire)."""
    return 0.03 * _pair(length, draw, band(70, 700, 1.0)) * lasting(cue, length)


def sunset(cue: Cue, length: int, draw: np.random.Generator, _seed: int) -> Wave:
    """Return an evening: a light breeze and a few distant birds."""
    out = 0.45 * blow(length, 0.2, draw)
    for _ in range(max(1, round(length / RATE * 0.9))):
        start = int(draw.uniform(0.05, 0.85) * length)
        song = _bird(draw)[: length - start]
        out[:, start : start + len(song)] += 0.022 * pan(song, float(draw.uniform(0.1, 0.9)))
    out = reverb(out, draw, decay_s=1.2, bright_hz=5000, wet=0.35)
    return out * lasting(cue, length)


def _pair(length: int, draw: np.random.Generator, gain: Gain) -> Wave:
    return wide(shaped(length, draw, gain), shaped(length, draw, gain), 0.85)


def _cricket(length: int, draw: np.random.Generator) -> Wave:
    """One field cricket: chirps of three to four pulses on a carrier between 4 and 5 kHz."""
    t = seconds(length)
    carrier = np.sin(2 * np.pi * float(draw.uniform(4000, 5000)) * t + 0.3 * np.sin(40 * t))
    pulse_hz, chirp_hz = float(draw.uniform(26, 32)), float(draw.uniform(2.0, 3.0))
    in_chirp = (t * chirp_hz + draw.random()) % 1.0 / chirp_hz
    pulses = np.sin(np.pi * np.clip((in_chirp * pulse_hz) % 1.0, 0, 1)) ** 2
    sounding = in_chirp * pulse_hz < int(draw.integers(3, 5))
    return carrier * pulses * sounding * drift(length, draw, 0.6, 0.4, 1.0)


def _bird(draw: np.random.Generator) -> Wave:
    """A short phrase of gliding whistles."""
    notes: list[Wave] = []
    base = float(draw.uniform(2200, 3800))
    for _ in range(int(draw.integers(2, 6))):
        length = int(RATE * draw.uniform(0.05, 0.14))
        bend = np.linspace(0, 1, length)
        hz = base * 2 ** (draw.uniform(-0.25, 0.25) + draw.uniform(-0.3, 0.3) * bend)
        notes.append(np.sin(2 * np.pi * np.cumsum(hz) / RATE) * np.sin(np.pi * bend) ** 1.5)
        notes.append(np.zeros(int(RATE * draw.uniform(0.02, 0.07))))
    return np.concatenate(notes)
